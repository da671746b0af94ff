from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.bars import Bars, empty_bars
from data.errors import CalendarBounds, UnknownExchange, UnscaledSymbol
from data.scaling import SeriesRange, SeriesScaling, WindowScaling
from data.sessions import Calendars
from forecaster import model as model_module
from forecaster.calibration import Calibration
from forecaster.errors import NotEnoughHistory
from forecaster.forecast import Forecast
from forecaster.model import Model
from forecaster.networks.export import export_network
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec
from tests.forecaster.markets import make_bars, walk
from tests.forecaster.networks.nets import random_network
from tests.forecaster.predictors import Constant, LastStep

LEVELS = (0.1, 0.5, 0.9)
NAMES = tuple(f"{number:06d}.SH" for number in range(600_000, 600_500))
CALENDARS = Calendars()
SPEC = ModelSpec(units=(1,), lookback=3, features=("close",), unit="range", quantiles=LEVELS)


def constant_model(
    output: list[list[float]], spec: ModelSpec = SPEC, scaling: WindowScaling | SeriesScaling | None = None
) -> Model:
    calibration = Calibration(np.zeros((spec.horizon, len(spec.quantiles))), 1)
    return Model(spec, scaling or WindowScaling(), calibration, Constant(output))


@pytest.fixture(scope="module")
def real_model() -> Model:
    """With a network on ONNX Runtime, random weights and a random calibration."""
    spec = ModelSpec(units=(6, 4), lookback=8, horizon=2)
    shift = np.random.default_rng(1).normal(0, 0.1, (2, 9))
    shift[:, spec.median] = 0
    predictor = OnnxPredictor(export_network(random_network(spec, seed=2), spec))
    return Model(spec, WindowScaling(), Calibration(shift, 100), predictor)


@pytest.fixture(scope="module")
def market() -> Bars:
    """Symbols of different ages and price levels, one with a split, one that ends early, one too young."""
    return make_bars(
        {
            "AAA": walk(1, 60),
            "BBB": np.concatenate([walk(2, 50, start=80.0), walk(3, 10, start=40.0)]),
            "CCC": walk(4, 40, start=0.5),
            "NEW": walk(5, 5),
            "OLD": walk(6, 30, start=3000.0),
        },
        factors={"BBB": [1.0] * 50 + [2.0] * 10},
        listed={"CCC": 20, "NEW": 55},
    )


def only(bars: Bars, symbol: str) -> Bars:
    return Bars(bars.frame[bars.frame["symbol"] == symbol].reset_index(drop=True))


def test_a_forecast_by_hand() -> None:
    # The window (95, 110, 100) has a range of 15, and the last close of 100 is moved by parts of it.
    bars = make_bars({"AAA": [50.0, 95.0, 110.0, 100.0]}, first="2013-02-26")
    found = constant_model([[-0.2, 0.1, 0.4]]).forecast(bars, CALENDARS)
    assert found.quantiles == pytest.approx(np.array([[97.0, 101.5, 106.0]]))
    assert (found.symbol, found.levels, found.last_close) == ("AAA", LEVELS, 100.0)
    assert (found.as_of, found.target_sessions) == (date(2013, 3, 1), (date(2013, 3, 4),))  # over a weekend
    assert found.close == pytest.approx(101.5)


def test_target_sessions_leave_out_holidays() -> None:
    spec = ModelSpec(units=(1,), lookback=3, horizon=2, features=("close",), unit="range", quantiles=LEVELS)
    bars = make_bars({"AAA": [100.0, 101.0, 102.0]}, first="2020-06-30")
    found = constant_model([[-0.1, 0.0, 0.1], [-0.2, 0.0, 0.2]], spec).forecast(bars, CALENDARS)
    # New York kept Independence Day on Friday, 3 July 2020.
    assert (found.as_of, found.target_sessions) == (date(2020, 7, 2), (date(2020, 7, 6), date(2020, 7, 7)))
    assert found.quantiles == pytest.approx(np.array([[101.8, 102.0, 102.2], [101.6, 102.0, 102.4]]))


def test_prices_are_on_the_scale_of_the_last_close_as_traded() -> None:
    # A split two for one before the last session: the same windows but for the scale.
    halved = make_bars({"AAA": [50.0, 95.0, 110.0, 50.0]}, factors={"AAA": [1.0, 1.0, 1.0, 2.0]})
    found = constant_model([[-0.2, 0.1, 0.4]]).forecast(halved, CALENDARS)
    assert found.last_close == 50.0
    assert found.quantiles == pytest.approx(np.array([[97.0, 101.5, 106.0]]) / 2)


def test_a_level_is_a_place_in_the_range_of_the_training_rows() -> None:
    spec = ModelSpec(
        units=(1,), lookback=3, features=("close",), unit="range", quantiles=LEVELS, target="level", scaling="series"
    )
    scaling = SeriesScaling({"AAA": SeriesRange((20.0,), (120.0,), 20.0, 120.0)})
    model = Model(spec, scaling, Calibration(np.array([[-0.05, 0.0, 0.1]]), 30), Constant([[0.75]]))
    found = model.forecast(make_bars({"AAA": [50.0, 95.0, 110.0, 100.0]}), CALENDARS)
    assert found.quantiles == pytest.approx(np.array([[90.0, 95.0, 105.0]]))


def test_no_price_is_below_zero() -> None:
    found = constant_model([[-1e6, 0.1, 0.4]]).forecast(make_bars({"AAA": [50.0, 95.0, 110.0, 100.0]}), CALENDARS)
    assert found.quantiles[0].tolist() == pytest.approx([0.0, 101.5, 106.0])


def test_all_symbols_are_asked_at_once(market: Bars) -> None:
    model = constant_model([[-0.2, 0.1, 0.4]])
    model.forecasts(market, CALENDARS)
    assert isinstance(model.predictor, Constant)
    assert model.predictor.asked == [8]  # five, filled up to whole rows of four


def test_many_windows_are_scaled_and_asked_a_batch_at_a_time(market: Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(constant_model([[0.0]]), predictor=LastStep())
    windows = model.windows(market)
    expected = model.predictor.predict(windows.x)
    monkeypatch.setattr(model_module, "_BATCH", 50)
    assert len(windows) > 150
    assert np.array_equal(model.outputs(windows), expected)
    assert model.outputs(windows.take(np.zeros(len(windows), dtype=bool))).shape == (0, 1, 3)


def test_all_symbols_together_are_forecast_as_one_at_a_time(real_model: Model, market: Bars) -> None:
    together = real_model.forecasts(market, CALENDARS)
    assert list(together) == ["AAA", "BBB", "CCC", "NEW", "OLD"]
    for symbol, found in together.items():
        if symbol == "NEW":
            assert isinstance(found, NotEnoughHistory)
            continue
        assert isinstance(found, Forecast)
        alone = real_model.forecast(only(market, symbol), CALENDARS)
        assert (found.symbol, found.as_of, found.target_sessions) == (symbol, alone.as_of, alone.target_sessions)
        assert (found.last_close, found.levels) == (alone.last_close, alone.levels)
        assert found.quantiles == pytest.approx(alone.quantiles, rel=1e-6)
        assert (np.diff(found.quantiles, axis=-1) >= 0).all()


def test_a_forecast_knows_nothing_of_the_time_after_it(real_model: Model, market: Bars) -> None:
    day = pd.Timestamp("2020-03-13")
    before = Bars(market.frame[market.frame["session"] <= day].reset_index(drop=True))
    later = market.frame["session"] > day
    changed = market.frame.copy()
    changed.loc[later, ["open", "high", "low", "close"]] *= 5.0
    changed.loc[later, "adj_factor"] *= 3.0
    windows = real_model.windows(Bars(changed))
    at_day = windows.take(windows.origin == np.datetime64(day, "D"))
    prices = real_model.quantiles(at_day)
    for position, symbol in enumerate(at_day.symbols):
        found = real_model.forecast(only(before, symbol), CALENDARS)
        factor = at_day.panel.factor[at_day.last[position]]
        assert found.as_of == day.date()
        assert found.quantiles == pytest.approx(prices[position] / factor, rel=1e-6)


def test_the_last_of_several_symbols_histories_counts(real_model: Model, market: Bars) -> None:
    found = real_model.forecasts(market, CALENDARS)["OLD"]
    assert isinstance(found, Forecast)
    assert found.as_of == pd.bdate_range("2020-01-06", periods=30)[-1].date()
    assert found.last_close == pytest.approx(walk(6, 30, start=3000.0)[-1])


def test_too_short_a_history_is_counted(real_model: Model, market: Bars) -> None:
    with pytest.raises(NotEnoughHistory) as refused:
        real_model.forecast(only(market, "NEW"), CALENDARS)
    # 8 sessions to look back on, and 20 before that for the feature `month`.
    assert (refused.value.symbol, refused.value.needed, refused.value.found) == ("NEW", 28, 5)
    assert "needs 28 sessions and 5 are stored" in str(refused.value)


# The volatility of a session needs 10 sessions with one before each, so that no window can end before the 11th.
@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, 11),
        ({"lookback": 15}, 15),
        ({"unit": "range"}, 3),
        ({"target": "level"}, 3),
        ({"features": ("close", "log_return")}, 11),
        ({"features": ("close", "month")}, 23),
    ],
    ids=str,
)
def test_a_symbol_with_as_many_bars_as_are_needed_is_forecast(changes: dict[str, Any], needed: int) -> None:
    spec = replace(ModelSpec(units=(1,), lookback=3, features=("close",), quantiles=LEVELS), **changes)
    bars = make_bars({"AAA": walk(1, needed), "BBB": walk(2, needed - 1)})
    found = constant_model([[-0.1, 0.0, 0.1]], spec).forecasts(bars, CALENDARS)
    assert isinstance(found["AAA"], Forecast)
    assert isinstance(found["BBB"], NotEnoughHistory)
    assert (found["BBB"].needed, found["BBB"].found) == (needed, needed - 1)


def test_a_change_is_measured_in_the_volatility_of_the_share() -> None:
    # Every session opens at the last close, reaches 1 % up and 1 % down, and closes at one of the two, in turn: no
    # overnight return, and Garman & Klass' (1980) variance for either kind of session.
    closes = 100 * np.cumprod(np.where(np.arange(80) % 2, 1.01, 0.99))
    opens = np.append(closes[0], closes[:-1])
    frame = make_bars({"AAA": closes}).frame.assign(open=opens, high=opens * 1.01, low=opens * 0.99)
    frame.loc[0, ["open", "high", "low"]] = closes[0] * np.array([1.0, 1.01, 0.99])
    up, down = (0.5 * np.log(1.01 / 0.99) ** 2 - (2 * np.log(2) - 1) * np.log(move) ** 2 for move in (1.01, 0.99))
    # The last session rose, the one before fell, and so on over 64 sessions, each weighing 2^-0.1 of the one after it.
    weights = 0.5 ** (np.arange(64) / 10)
    variance = (weights * np.where(np.arange(64) % 2, down, up)).sum() / weights.sum()
    spec = replace(SPEC, unit="volatility")
    found = constant_model([[-2.0, 0.5, 1.0]], spec).forecast(Bars(frame), CALENDARS)
    moves = np.array([[-2.0, 0.5, 1.0]]) * np.sqrt(variance)
    assert found.quantiles == pytest.approx(closes[-1] * (1 + moves), rel=1e-9)


def test_no_bars_have_no_forecasts(real_model: Model) -> None:
    assert real_model.forecasts(empty_bars(), CALENDARS) == {}


def test_a_symbol_that_cannot_be_forecast_says_why_and_the_others_are() -> None:
    closes = [50.0, 95.0, 110.0, 100.0]
    bars = make_bars({"AAA": closes, "BBB.XX": closes, "CCC": closes[:2], "DDD": closes})
    scaling = SeriesScaling(
        {symbol: SeriesRange((50.0,), (110.0,), 50.0, 110.0) for symbol in ("AAA", "BBB.XX", "CCC")}
    )
    spec = ModelSpec(units=(1,), lookback=3, features=("close",), unit="range", quantiles=LEVELS, scaling="series")
    found = constant_model([[-0.2, 0.1, 0.4]], spec, scaling).forecasts(bars, CALENDARS)
    assert list(found) == ["AAA", "BBB.XX", "CCC", "DDD"]
    assert isinstance(found["AAA"], Forecast)
    assert isinstance(found["BBB.XX"], UnknownExchange)
    assert isinstance(found["CCC"], NotEnoughHistory)
    assert isinstance(found["DDD"], UnscaledSymbol)
    assert "DDD was not among the training rows" in str(found["DDD"])


def test_a_session_that_no_calendar_knows_is_not_guessed() -> None:
    bars = make_bars({"AAA": [50.0, 95.0, 110.0, 100.0], "600519.SH": [50.0, 95.0, 110.0, 100.0]}, first="2030-12-26")
    found = constant_model([[-0.2, 0.1, 0.4]]).forecasts(bars, CALENDARS)
    assert all(isinstance(one, CalendarBounds) for one in found.values())
    assert "XNYS are known from 1990-01-01 to 2030-12-31" in str(found["AAA"])


def test_the_calendars_that_are_given_name_the_target_sessions() -> None:
    # What a provider might know of 2031: New Year's Day, a Wednesday, is none of New York's sessions.
    days = pd.DataFrame({"exchange": "XNYS", "day": pd.date_range("2031-01-01", "2031-01-03")})
    calendars = Calendars(days.assign(is_open=[False, True, True]))
    spec = ModelSpec(units=(1,), lookback=3, horizon=2, features=("close",), unit="range", quantiles=LEVELS)
    model = constant_model([[-0.1, 0.0, 0.1], [-0.2, 0.0, 0.2]], spec)
    closes = [50.0, 95.0, 110.0, 100.0]
    found = model.forecasts(make_bars({"AAA": closes, "0700.HK": closes}, first="2030-12-26"), calendars)
    assert isinstance(found["AAA"], Forecast)
    assert (found["AAA"].as_of, found["AAA"].target_sessions) == (
        date(2030, 12, 31),
        (date(2031, 1, 2), date(2031, 1, 3)),
    )
    assert isinstance(found["0700.HK"], CalendarBounds)
    with pytest.raises(CalendarBounds):
        model.forecast(make_bars({"AAA": closes}, first="2030-12-30"), calendars)  # ends with 2 January


def tracked(universe: tuple[str, ...]) -> frozenset[str]:
    return replace(constant_model([[-0.1, 0.0, 0.1]]), universe=universe).tracked


def test_at_most_three_hundred_symbols_are_tracked_chosen_by_their_names_alone() -> None:
    found = tracked(NAMES)
    by_hash = sorted(NAMES, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert found == frozenset(by_hash[:300])
    # As `sha256sum` says in a shell, whatever Python's own hash does.
    assert (by_hash[0], by_hash[-1]) == ("600006.SH", "600305.SH")
    assert tracked(NAMES[::-1]) == found
    assert tracked(NAMES[:300]) == frozenset(NAMES[:300])
    assert tracked(()) == frozenset()


def test_a_listing_or_a_delisting_changes_at_most_one_of_them() -> None:
    found = tracked(NAMES)
    for change in range(0, 500, 25):
        fewer = tracked(NAMES[:change] + NAMES[change + 1 :])
        assert len(found - fewer) == len(fewer - found) == (1 if NAMES[change] in found else 0)


def test_a_forecast_reads_the_whole_universe_only_where_its_features_need_it() -> None:
    own = replace(constant_model([[-0.1, 0.0, 0.1]]), universe=NAMES)
    assert own.reads(("AAPL",)) == tuple(sorted({*tracked(NAMES), "AAPL"}))
    assert replace(own, spec=replace(SPEC, features=("close", "dispersion"))).reads(("AAPL",)) == (*NAMES, "AAPL")
    assert replace(own, universe=()).reads(("AAPL",)) == ("AAPL",)
