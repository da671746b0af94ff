from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from data.errors import EmptyStore
from data.store import PriceStore
from forecaster.errors import SpecError, TrainingStopped
from forecaster.per_symbol import Each, train_each
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.step import Step
from tests.forecaster.markets import make_bars, walk

SPEC = ModelSpec(units=(3,), lookback=4, features=("close",), quantiles=(0.1, 0.5, 0.9), unit="range")
TRAINING = TrainSpec(epochs=1, batch=32, validation=20, test=30, seed=5)


def registry(folder: Path, name: str) -> Registry:
    return Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "models", name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prices of three shares; the second has too few for a split."""
    bars = make_bars({"AAA": walk(1, 140), "BBB": walk(2, 40), "CCC": walk(3, 140)})
    PriceStore(tmp_path / "prices").upsert(bars)
    return tmp_path


def test_what_was_trained_before_a_stop_is_not_trained_again(folder: Path) -> None:
    told: list[Step] = []
    aliases: list[tuple[str, str]] = []
    stopping = True

    def progress(step: Step) -> None:
        told.append(step)
        if stopping and step.text.startswith("CCC (3 of 3): training: epoch 1"):
            raise KeyboardInterrupt

    def run() -> Each:
        return train_each(
            PriceStore(folder / "prices"),
            partial(registry, folder),
            "next-close",
            SPEC,
            TRAINING,
            progress=progress,
            trained=lambda models, made: aliases.append((models.name, made.version.version)),
            checkpoints=folder / "training",
        )

    with pytest.raises(TrainingStopped):
        run()
    assert aliases == [("next-close.AAA", "1")]
    first = registry(folder, "next-close.AAA").get("1")
    stopping = False
    told.clear()
    each = run()
    assert list(each.made) == ["AAA", "CCC"]
    assert each.made["AAA"].version == first
    assert list(each.made["AAA"].diagnostics) == ["AAA"]
    assert each.made["AAA"].windows["test"] == each.made["CCC"].windows["test"] == 30
    assert type(each.failed["BBB"]).__name__ == "TooFewSessions"
    assert aliases == [("next-close.AAA", "1"), ("next-close.CCC", "1")]
    texts = [step.text for step in told]
    assert texts[0] == "AAA (1 of 3): version 1 was trained before the others were stopped"
    assert any(text.startswith("BBB (2 of 3): failed: ") for text in texts)
    done = [step.done for step in told if step.done is not None]
    assert done == sorted(done)
    assert done[-1] <= 1
    assert list((folder / "training").iterdir()) == []
    # Done is done: the next call is another training.
    assert run().made["AAA"].version.version == "2"


def test_what_is_wrong_for_every_symbol_is_said_at_once(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    with pytest.raises(SpecError, match="expected a name without a symbol, which --per-symbol adds"):
        train_each(store, partial(registry, tmp_path), "next-close.AAPL", SPEC, TRAINING)
    with pytest.raises(EmptyStore):
        train_each(store, partial(registry, tmp_path), "next-close", SPEC, TRAINING)
