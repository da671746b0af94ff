from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from data.store import PriceStore
from forecaster import spread
from forecaster.backtest.engine import Call, Engine
from forecaster.errors import TrainedElsewhere
from forecaster.per_symbol import train_each
from forecaster.spread import Order, Told
from forecaster.step import Step
from tests.forecaster.markets import make_bars, walk
from tests.forecaster.test_per_symbol import SPEC, TRAINING, registry


def test_an_engine_trains_what_one_after_the_other_would(tmp_path: Path) -> None:
    bars = make_bars({"AAA": walk(1, 140), "BBB": walk(2, 40)})
    PriceStore(tmp_path / "prices").upsert(bars)
    told: list[Step] = []
    aliases: list[tuple[str, str]] = []

    def run() -> Any:
        return train_each(
            PriceStore(tmp_path / "prices"),
            partial(registry, tmp_path),
            "next-close",
            SPEC,
            TRAINING,
            progress=told.append,
            trained=lambda models, made: aliases.append((models.name, made.version.version)),
            checkpoints=tmp_path / "training",
            engine="local",
            jobs=1,
        )

    each = run()
    assert list(each.made) == ["AAA"]
    assert aliases == [("next-close.AAA", "1")]
    failed = each.failed["BBB"]
    assert isinstance(failed, TrainedElsewhere)
    assert failed.kind == "TooFewSessions"
    assert told[1].text.startswith("BBB (2 of 2): failed: ")
    assert [step.done for step in told] == [0.5, 1.0]
    assert list((tmp_path / "training").iterdir()) == []
    assert each.made["AAA"].windows["test"] == 30
    # Done is done: the next call is another training, of the same network.
    again = run()
    assert again.made["AAA"].version.version == "2"
    networks = {file.read_bytes() for file in tmp_path.glob("models/*/artifacts/bundle/model.onnx")}
    assert len(networks) == 1


def order(symbol: str) -> Order:
    return Order(symbol, "prices", "sqlite:///x", Path(), f"m.{symbol}", SPEC, TRAINING, None, None, False, 0)


def test_one_that_ends_every_process_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[list[str]] = []

    @contextmanager
    def opened(engine: Engine, jobs: int | None, address: str | None) -> Iterator[Any]:
        def do(calls: Sequence[Call], done: Callable[[Any], None]) -> None:
            symbols = [given[0].symbol for _, given in calls]
            rounds.append(symbols)
            for symbol in symbols:
                if symbol == "BAD":
                    raise RuntimeError("the process was terminated\nby the system")
                done(Told(symbol, "1"))

        yield do

    monkeypatch.setattr(spread, "opened", opened)
    told: list[Told] = []
    spread.spread([order(one) for one in ("A", "BAD", "C")], "local", 2, None, told.append)
    assert rounds[:2] == [["A", "BAD", "C"], ["BAD", "C"]]
    assert all(one in (["BAD"], ["BAD", "C"], ["C"]) for one in rounds[2:])
    assert [(one.symbol, one.version, one.failure) for one in told] == [
        ("A", "1", None),
        ("BAD", None, "TrainingBroken"),
        ("C", "1", None),
    ]
    assert "died, 3 times: RuntimeError: the process was terminated;" in told[1].reason
    spread.spread([], "local", 2, None, told.append)
