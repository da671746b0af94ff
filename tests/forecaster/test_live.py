"""What is answered day by day is what the evidence holds, and does not depend on who else is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from data.bars import Bars
from data.scaling import Scaling, WindowScaling
from data.sessions import Calendars
from data.splits import chronological
from data.windows import cut, fit_series_scaling, panel
from forecaster import model as model_module
from forecaster.calibration import calibrate
from forecaster.evidence import column, evidence
from forecaster.forecast import Forecast
from forecaster.model import Model
from forecaster.spec import ModelSpec
from tests.forecaster.markets import FIRST_DAY, make_bars, until, walk
from tests.forecaster.predictors import Mixing

CALENDARS = Calendars()
TRAINED, ALL = 150, 170
SESSIONS = pd.bdate_range(FIRST_DAY, periods=ALL)
TEST = 40
CHANGES = ModelSpec(
    units=(1,), lookback=4, features=("close", "move", "excess_move"), quantiles=(0.1, 0.25, 0.5, 0.75, 0.9)
)
LEVELS = replace(CHANGES, features=("close", "volume"), target="level", scaling="series")


def with_pause(closes: np.ndarray, begin: int, end: int) -> np.ndarray:
    return np.where((np.arange(len(closes)) >= begin) & (np.arange(len(closes)) < end), np.nan, closes)


@pytest.fixture(scope="module")
def market() -> Bars:
    """Among others shares with a split and with pauses, one listed late, and one too young for a window."""
    return make_bars(
        {
            "AAA": walk(1, ALL),
            "BBB": np.append(walk(2, 125), walk(3, ALL - 125, start=50.0)),
            "CCC": with_pause(walk(4, ALL), 120, 128),
            "DDD": walk(5, ALL, volatility=0.05),
            "EEE": with_pause(with_pause(walk(6, ALL), 104, 117), 158, 161),
            "NEW": walk(7, ALL - 100),
            "TINY": walk(8, ALL - 140),
        },
        factors={"BBB": [1.0] * 125 + [2.0] * (ALL - 125)},
        listed={"NEW": 100, "TINY": 140},
    )


@pytest.fixture(scope="module", autouse=True)
def few_are_tracked() -> Iterator[None]:
    """Of the universe's seven symbols five move the intervals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_module, "TRACKED", 5)
        yield


def of(bars: Bars, symbols: tuple[str, ...]) -> Bars:
    return Bars(bars.frame[bars.frame["symbol"].isin(symbols)].reset_index(drop=True))


@dataclass(frozen=True)
class Made:
    """A model as an experiment makes it, and its evidence."""

    model: Model
    table: pd.DataFrame


def make(bars: Bars, spec: ModelSpec) -> Made:
    """As an experiment does, from bars up to `TRAINED`, with a network that nobody trained."""
    rows = panel(until(bars, SESSIONS[TRAINED - 1]), spec.features)
    scaling: Scaling = WindowScaling()
    if spec.scaling == "series":
        scaling = fit_series_scaling(rows, np.datetime64(SESSIONS[50], "D"))
        rows = rows.only(np.array([symbol in scaling.ranges for symbol in rows.symbols])[rows.series])
    windows = cut(
        rows, lookback=spec.lookback, horizon=spec.horizon, target=spec.target, scaling=scaling, unit=spec.unit
    )
    windows = windows.take(windows.known)
    split = chronological(windows.origin, windows.outcome, validation=30, test=TEST, gap=spec.horizon)
    held_in = windows.take(split.validation)
    network = Mixing(spec.horizon, 1 if spec.target == "level" else len(spec.quantiles))
    before = calibrate(network.predict(held_in.x), held_in.y, spec.quantiles, held_in.origin, held_in.outcome)
    table, after = evidence(Model(spec, scaling, before, network, rows.symbols), windows, split.test)
    return Made(Model(spec, scaling, after, network, rows.symbols, before), table)


@pytest.fixture(scope="module", params=["one session", "three sessions", "level"])
def made(request: pytest.FixtureRequest, market: Bars) -> Made:
    specs = {"one session": CHANGES, "three sessions": replace(CHANGES, horizon=3), "level": LEVELS}
    return make(market, specs[request.param])


def shifts(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The correction before the held-out span and after it."""
    assert model.before is not None
    return model.before.shift, model.calibration.shift


def forecasts(model: Model, bars: Bars, symbols: tuple[str, ...] | None = None) -> dict[str, Forecast]:
    """Those that there are."""
    found = model.forecasts(bars, CALENDARS, symbols)
    return {symbol: one for symbol, one in found.items() if isinstance(one, Forecast)}


def test_on_every_day_it_would_have_answered_what_the_evidence_holds(made: Made, market: Bars) -> None:
    model, compared = made.model, 0
    columns = [column(level) for level in model.spec.quantiles]
    for day, rows in made.table.groupby("origin"):
        answers = forecasts(model, until(market, pd.Timestamp(str(day))))
        for _, row in rows.iterrows():
            answer = answers[row["symbol"]]
            scale = row["previous_close"] / answer.last_close
            assert answer.quantiles[0] * scale == pytest.approx(row[columns].to_numpy(float), rel=1e-9)
            compared += 1
    assert compared == len(made.table) > 5 * TEST / 2
    # Neither would it be so had nothing moved.
    before, after = shifts(model)
    assert np.abs(after - before).max() > 5e-3


def test_the_state_after_the_held_out_span_says_what_a_replay_of_the_span_says(made: Made, market: Bars) -> None:
    model = made.model
    assert model.before is not None
    replay = replace(model, calibration=model.before, before=None)
    for end in (TRAINED, TRAINED + 1, ALL):
        bars = until(market, SESSIONS[end - 1])
        stored, again = (one.calibrated(one.windows(bars)) for one in (model, replay))
        assert (stored is model.calibration) == (end == TRAINED)
        assert stored.through == again.through == np.datetime64(SESSIONS[end - 1], "D")
        if model.spec.horizon == 1:
            assert np.array_equal(stored.shift, again.shift)
            continue
        # Windows whose last outcomes are not known yet are no evidence: for each step that is missing one session less.
        assert stored.step is not None
        missing = np.arange(model.spec.horizon)[::-1, None]
        assert (np.abs(stored.shift - again.shift) <= 1.5 * missing * stored.step + 1e-12).all()


def test_what_came_since_moves_the_answers(made: Made, market: Bars) -> None:
    model = made.model
    still = replace(model, calibration=replace(model.calibration, through=None), before=None)
    now, then = forecasts(model, market)["AAA"], forecasts(still, market)["AAA"]
    assert now.close == then.close
    assert np.abs(now.quantiles / then.quantiles - 1).max() > 1e-5


def test_a_session_before_the_held_out_span_is_asked_about_with_the_calibration_before_it(
    made: Made, market: Bars
) -> None:
    model = made.model
    assert model.before is not None
    early = until(market, SESSIONS[90])
    assert model.calibrated(model.windows(early)) is model.before
    expected = replace(model, calibration=replace(model.before, through=None), before=None)
    assert np.array_equal(forecasts(model, early)["AAA"].quantiles, forecasts(expected, early)["AAA"].quantiles)


@pytest.mark.parametrize("features", [("close", "move"), ("close", "excess_move")], ids=["own", "universe"])
def test_one_symbol_is_forecast_as_all_are(features: tuple[str, ...], market: Bars) -> None:
    model = make(market, replace(CHANGES, features=features)).model
    stranger = make_bars({"XYZ": walk(9, ALL)})
    bars = Bars(pd.concat([market.frame, stranger.frame], ignore_index=True))
    together = forecasts(model, bars)
    assert list(together) == ["AAA", "BBB", "CCC", "DDD", "EEE", "NEW", "TINY", "XYZ"]
    for symbol, expected in together.items():
        read = model.reads((symbol,))
        assert len(read) == len({symbol, *model.universe}) if "excess_move" in features else 5 <= len(read) <= 6
        alone = forecasts(model, of(bars, read), (symbol,))
        assert list(alone) == [symbol]
        assert alone[symbol].as_of == expected.as_of
        np.testing.assert_allclose(alone[symbol].quantiles, expected.quantiles, rtol=1e-12)
    two = forecasts(model, of(bars, model.reads(("NEW", "AAA"))), ("NEW", "AAA"))
    assert list(two) == ["AAA", "NEW"]


def test_only_the_tracked_symbols_move_the_answers(market: Bars) -> None:
    model = make(market, replace(CHANGES, features=("close", "move"))).model
    expected = model.calibrated(model.windows(market)).shift
    for symbol in model.universe:
        changed = market.frame.copy()
        own = (changed["symbol"] == symbol) & (changed["session"] > SESSIONS[TRAINED])
        changed.loc[own, ["open", "high", "low", "close"]] *= np.where(np.arange(own.sum()) % 2, 1.3, 1.0)[:, None]
        found = model.calibrated(model.windows(Bars(changed))).shift
        assert (found == expected).all() == (symbol not in model.tracked), symbol


def test_a_universe_without_windows_of_its_own_counts_in_the_features(market: Bars) -> None:
    # TINY has its first window at the very end; what the universe did on a session includes it from its second bar.
    model = make(market, CHANGES).model
    assert "TINY" in model.universe
    bars = until(market, SESSIONS[TRAINED - 1])
    without = of(bars, tuple(symbol for symbol in model.universe if symbol != "TINY"))
    with_it, alone = (model.windows(one) for one in (bars, without))
    assert set(with_it.symbols) == set(alone.symbols) == set(model.universe) - {"TINY"}
    changed = np.abs(with_it.x[..., 2] - alone.x[..., 2]).max(axis=1) > 0
    np.testing.assert_array_equal(changed, with_it.origin > np.datetime64(SESSIONS[140], "D"))
