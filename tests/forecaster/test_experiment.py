from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.bars import Bars
from data.errors import EmptyStore, TooFewBars, TooFewSessions, UnknownSymbol
from data.scaling import SeriesScaling
from data.sessions import Calendars
from data.store import PriceStore
from data.windows import panel
from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import NoModel, SpecError
from forecaster.experiment import Experiment, run_experiment, windows_and_split
from forecaster.registry import Registry
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec, TrainSpec, parse, to_dict
from forecaster.step import Step
from tests.forecaster.markets import make_bars, make_windows, walk

SPEC = ModelSpec(
    units=(3,), lookback=4, horizon=2, features=("close", "volume"), quantiles=(0.1, 0.5, 0.9), unit="range"
)
TRAINING = TrainSpec(epochs=2, batch=32, validation=20, test=70, seed=5)
SESSIONS = pd.bdate_range("2020-01-06", periods=160)

# By hand: 160 sessions. Origins with a whole window and a known outcome are those at 3 to 157. The last 70 of them,
# 88 to 157, are for the test; after a gap of 2 before it 66 to 85 for validation; after another gap 3 to 63 remain.
TRAIN_END, VALIDATION_END, TEST_BEGIN, TEST_END = 63, 85, 88, 157


def day(position: int) -> str:
    return str(SESSIONS[position].date())


@pytest.fixture(scope="module")
def market() -> Bars:
    return make_bars(
        {"AAA": walk(1, 160), "BBB": walk(2, 160, start=9.0), "NEW": walk(3, 50)},
        factors={"BBB": [1.0] * 100 + [1.5] * 60},
        listed={"NEW": 110},
    )


def store_of(bars: Bars, folder: Path) -> PriceStore:
    store = PriceStore(folder / "prices")
    store.upsert(bars)
    return store


def registry_of(folder: Path) -> Registry:
    return Registry(f"sqlite:///{folder / 'registry' / 'mlflow.db'}", folder / "registry" / "models", "next-close")


class Run:
    """What one experiment was made from and what it made."""

    def __init__(self, bars: Bars, folder: Path) -> None:
        self.bars, self.store, self.registry = bars, store_of(bars, folder), registry_of(folder)
        self.steps: list[Step] = []
        self.made: Experiment = run_experiment(self.store, self.registry, SPEC, TRAINING, progress=self.steps.append)
        self.bundle: Bundle = read_bundle(self.registry.bundle_path(self.made.version))
        self.manifest: Any = self.bundle.manifest


@pytest.fixture(scope="module")
def run(market: Bars, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(market, tmp_path_factory.mktemp("experiment"))


def test_the_version_is_registered_without_an_alias(run: Run) -> None:
    assert (run.made.version.version, run.made.version.aliases) == ("1", ())
    with pytest.raises(NoModel):
        run.registry.by_alias()


def test_the_bundle_says_what_it_was_made_from(run: Run) -> None:
    assert (run.bundle.spec, run.bundle.train_spec) == (SPEC, TRAINING)
    assert run.manifest["symbols"] == ["AAA", "BBB", "NEW"]
    assert run.manifest["data"] == {"version": 0, "bars": 370}
    assert run.manifest["scaling"] == {"kind": "window"}
    assert {"keras", "numpy", "onnx", "onnxruntime", "tensorflow"} <= run.manifest["libraries"].keys()
    assert run.made.version.tags["data_version"] == "0"
    assert run.made.version.tags["trained_through"] == day(VALIDATION_END + 2)


def test_the_spans_are_those_of_the_split(run: Run) -> None:
    training = run.manifest["training"]
    assert training["first"] == day(3)
    # The outcome of the last validation window, two sessions on, is the last that anything has learnt from.
    assert training["trained_through"] == run.bundle.trained_through == day(VALIDATION_END + 2)
    assert training["held_out_from"] == day(TEST_BEGIN + 1)
    assert training["held_out_to"] == day(TEST_END + 1)
    # NEW begins at 110: its first window ends at 113.
    expected = {"train": 2 * (TRAIN_END - 3 + 1), "validation": 2 * 20, "test": 2 * 70 + (TEST_END - 113 + 1)}
    assert training["windows"] == run.made.windows == expected


def test_the_curve_is_kept(run: Run) -> None:
    training = run.manifest["training"]
    assert run.made.epochs == training["epochs"] == len(training["history"]) == 2
    losses = [epoch["validation_loss"] for epoch in training["history"]]
    assert run.made.best_epoch == training["best_epoch"] == int(np.argmin(losses)) + 1
    assert run.made.parity == run.manifest["parity"]["largest"] <= 1e-5
    assert run.manifest["parity"]["windows"] == run.made.windows["train"]


def test_the_calibration_rests_on_the_validation_windows_alone(run: Run) -> None:
    windows = make_windows(run.bars, lookback=4, horizon=2, features=SPEC.features)
    origin = windows.origin
    held_in = windows.take((origin >= np.datetime64(day(66))) & (origin <= np.datetime64(day(VALIDATION_END))))
    before = run.manifest["calibration_before"]
    assert len(held_in) == before["windows"] == 40
    output = OnnxPredictor((run.bundle.path / "model.onnx").read_bytes()).predict(held_in.x)
    errors = np.sort(held_in.y[..., None].astype(np.float64) - output, axis=0)
    rank = math.ceil(41 * 0.9)  # 37 of 40; below the median its mirror image, the 4th
    expected = np.stack([errors[41 - rank - 1, :, 0], np.zeros(2), errors[rank - 1, :, 2]], axis=-1)
    # As far as the sessions speak for it: 1 - 1/t^2 of the coverage that was missed in each.
    below = pd.DataFrame((held_in.y[..., None] <= output).reshape(40, -1)).groupby(held_in.origin).mean()
    missed = below - np.tile([0.1, 0.5, 0.9], 2)
    part = (1 - missed.var() / len(missed) / missed.mean() ** 2).clip(lower=0).to_numpy().reshape(2, 3)
    outward = expected * np.array([-1, 0, 1]) > 0
    assert np.array(before["shift"]) == pytest.approx(np.where(outward, part * expected, 0.0), rel=1e-9)


def test_the_evidence_is_one_forecast_for_every_held_out_window(run: Run) -> None:
    table = run.bundle.evidence()
    assert table.groupby("symbol").size().to_dict() == {"AAA": 70, "BBB": 70, "NEW": 45}
    aaa = table[table["symbol"] == "AAA"]
    assert aaa["session"].tolist() == list(SESSIONS[TEST_BEGIN + 1 : TEST_END + 2])
    assert aaa["actual"].tolist() == pytest.approx(walk(1, 160)[TEST_BEGIN + 1 : TEST_END + 2])
    assert aaa["in_sample_mae"].iloc[0] == pytest.approx(np.abs(np.diff(walk(1, 160)[: TEST_BEGIN + 1])).mean())


def test_the_evidence_is_what_the_saved_model_answers(run: Run) -> None:
    table, model = run.bundle.evidence(), run.bundle.model()
    for position in (TEST_BEGIN, 120, TEST_END):
        known = Bars(run.bars.frame[run.bars.frame["session"] <= SESSIONS[position]].reset_index(drop=True))
        answers = model.forecasts(known, Calendars())
        for _, row in table[table["origin"] == SESSIONS[position]].iterrows():
            answer = answers[row["symbol"]]
            assert not isinstance(answer, Exception)
            scale = row["previous_close"] / answer.last_close
            assert answer.quantiles[0] * scale == pytest.approx(row[["0.1", "0.5", "0.9"]].to_numpy(float), rel=1e-6)


def test_the_diagnostics_are_those_of_the_evidence(run: Run) -> None:
    assert run.bundle.diagnostics() == dict(run.made.diagnostics)
    assert {symbol: one.sessions for symbol, one in run.made.diagnostics.items()} == {"AAA": 70, "BBB": 70, "NEW": 45}
    aaa = run.bundle.evidence().query("symbol == 'AAA'")
    errors = run.made.diagnostics["AAA"].errors
    assert errors is not None
    assert errors.mae == pytest.approx(np.abs(aaa["0.5"] - aaa["actual"]).mean(), rel=1e-12)
    assert run.made.diagnostics["NEW"].errors is None
    assert run.made.unjudged == ()


def test_progress_is_told_step_by_step(run: Run) -> None:
    texts = [step.text for step in run.steps]
    assert texts[0] == "reading prices"
    assert texts[-1] == "saving and registering"
    epochs = [step for step in run.steps if step.text.startswith("training: epoch") and not step.passing]
    assert [step.done for step in epochs] == [0.5, 1.0]
    assert all("windows/s" in step.text for step in epochs)


def test_what_cannot_be_trained_is_refused_with_the_reason(market: Bars, tmp_path: Path) -> None:
    registry, nothing = registry_of(tmp_path), PriceStore(tmp_path / "nothing")
    with pytest.raises(EmptyStore, match="fetch some first"):
        run_experiment(nothing, registry, SPEC, TRAINING)
    store = store_of(market, tmp_path)
    with pytest.raises(UnknownSymbol, match="unknown symbol ZZZ"):
        run_experiment(store, registry, SPEC, TRAINING, symbols=["ZZZ"])
    with pytest.raises(TooFewSessions, match="needs more than 314 sessions with known outcomes and found 155"):
        run_experiment(store, registry, SPEC, TrainSpec())
    with pytest.raises(TooFewBars, match="one window needs 200"):
        run_experiment(store, registry, replace(SPEC, lookback=200), TRAINING)
    assert registry.versions() == []


def outcome_sessions(bars: Bars, spec: ModelSpec, training: TrainSpec) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    """For each part of the split its first origin and the last session that it learns from, from the bars alone."""
    windows, split = windows_and_split(panel(bars, spec.features), spec, training)
    sessions = {symbol: list(own) for symbol, own in bars.frame.groupby("symbol")["session"]}
    found = {}
    for name in ("train", "validation", "test"):
        part = windows.take(getattr(split, name))
        origins = [pd.Timestamp(origin) for origin in part.origin]
        ends = [
            sessions[symbol][sessions[symbol].index(origin) + spec.horizon]
            for symbol, origin in zip(part.symbols, origins, strict=True)
        ]
        found[name] = (min(origins), max(ends))
    return found


def test_no_span_learns_from_an_outcome_of_a_later_one_even_where_a_share_was_suspended() -> None:
    closes = walk(2, 160)
    closes[60:120] = np.nan  # its next close after session 59 is that of session 120
    bars = make_bars({"AAA": walk(1, 160), "SUS": closes})
    found = outcome_sessions(bars, SPEC, TRAINING)
    assert found["train"][1] < found["validation"][0]
    assert found["validation"][1] < found["test"][0]


@pytest.mark.parametrize("horizon", [1, 3])
def test_the_spans_of_a_split_do_not_overlap(market: Bars, horizon: int) -> None:
    found = outcome_sessions(market, replace(SPEC, horizon=horizon), TRAINING)
    assert found["train"][1] < found["validation"][0]
    assert found["validation"][1] < found["test"][0]


SERIES = replace(SPEC, scaling="series", target="level")


def fitted(bars: Bars) -> tuple[dict[str, tuple[float, float]], pd.Timestamp]:
    """The range of closes that each symbol was given, and the last training origin."""
    windows, split = windows_and_split(panel(bars, SERIES.features), SERIES, TRAINING)
    assert isinstance(windows.scaling, SeriesScaling)
    assert len(split.train)
    ranges = {symbol: (one.close_low, one.close_high) for symbol, one in windows.scaling.ranges.items()}
    return ranges, pd.Timestamp(windows.origin[split.train].max())


def ranges_by_hand(bars: Bars, through: pd.Timestamp) -> dict[str, tuple[float, float]]:
    table = bars.frame[bars.frame["session"] <= through]
    adjusted = (table["close"] * table["adj_factor"]).groupby(table["symbol"])
    return {str(symbol): (own.min(), own.max()) for symbol, own in adjusted}


def test_per_series_ranges_come_from_the_training_rows_only(market: Bars) -> None:
    ranges, end = fitted(market)
    assert str(end.date()) == day(TRAIN_END)
    assert ranges == ranges_by_hand(market, end)
    assert sorted(ranges) == ["AAA", "BBB"]


def late_listing() -> Bars:
    """NEW has no training rows, and only NEW trades in the last 30 sessions; the others rise all the time."""
    rising = np.linspace(10, 100, 150)
    return make_bars({"AAA": rising, "BBB": rising + walk(4, 150), "NEW": walk(3, 70)}, listed={"NEW": 110})


def test_a_symbol_that_drops_out_leaves_no_later_row_in_the_ranges() -> None:
    ranges, end = fitted(late_listing())
    assert ranges == ranges_by_hand(late_listing(), end)
    assert sorted(ranges) == ["AAA", "BBB"]


def test_a_symbol_that_drops_out_leaves_the_other_windows_where_they_were() -> None:
    def parts(spec: ModelSpec) -> dict[str, list[tuple[str, np.datetime64]]]:
        windows, split = windows_and_split(panel(late_listing(), spec.features), spec, TRAINING)
        taken = {name: windows.take(getattr(split, name)) for name in ("train", "validation", "test")}
        return {name: list(zip(one.symbols, one.origin, strict=True)) for name, one in taken.items()}

    by_window, by_series = parts(SPEC), parts(SERIES)
    assert {name: [pair for pair in pairs if pair[0] != "NEW"] for name, pairs in by_window.items()} == by_series
    assert all(by_series.values())


def test_a_symbol_without_training_rows_has_no_windows_under_per_series_scaling(market: Bars) -> None:
    windows, _ = windows_and_split(panel(market, SERIES.features), SERIES, TRAINING)
    assert set(windows.symbols) == {"AAA", "BBB"}
    by_window, _ = windows_and_split(panel(market, SPEC.features), SPEC, TRAINING)
    assert set(by_window.symbols) == {"AAA", "BBB", "NEW"}


def test_a_spec_from_a_bundle_trains_again(run: Run) -> None:
    assert parse(ModelSpec, json.loads(json.dumps(run.manifest["spec"]))) == SPEC
    with pytest.raises(SpecError):
        parse(ModelSpec, {**to_dict(SPEC), "quantile": 3})
