"""Leaks that are planted on purpose are found, each by its name, and at the stage that is to blame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import MinMaxScaler

import data.adjust
import data.history
import data.windows
import forecaster.experiment
import forecaster.model
from data.adjust import adjusted
from data.bars import PRICES, Bars
from data.features import FEATURES, Feature
from data.history import Array, History, lag
from data.indicators import log_return, pause_days
from data.scaling import SeriesRange, SeriesScaling
from data.windows import Panel, Windows
from forecaster.calibration import Calibration, calibrate
from forecaster.leakcheck import Leak, Pipeline, Report
from forecaster.leakcheck.standin import Projection
from forecaster.spec import ModelSpec
from tests.forecaster.leakcheck.checking import check, spec


def cause(found: Report) -> Leak:
    assert not found.clean
    return found.leaks[0]


# Features


def by_share(of: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Array], Array]:
    return lambda values: of(pd.DataFrame(values)).to_numpy()


def following(values: Array) -> Array:
    return lag(values[::-1], 1)[::-1]


def days_until_the_next_bar(past: History) -> Array:
    return by_share(lambda own: own.fillna(1.0))(following(pause_days(past)))


def between_quantiles(past: History) -> Array:
    low, high = np.nanquantile(log_return(past), [0.05, 0.95])
    return np.clip(log_return(past), low, high)


PLANTED: dict[str, tuple[Callable[[History], Array], str]] = {
    "centred_mean": (
        lambda past: by_share(lambda own: own.rolling(5, center=True, min_periods=1).mean())(past.close),
        "it looks 2 bars ahead",
    ),
    "target": (lambda past: np.nan_to_num(following(log_return(past))), "the target is among the features"),
    "tomorrows_close": (lambda past: by_share(pd.DataFrame.ffill)(following(past.close)), "the target is among"),
    "until_next_bar": (days_until_the_next_bar, "it knows when the next bar comes"),
    "before_a_pause": (
        lambda past: (days_until_the_next_bar(past) > 10).astype(float),
        "it knows when the next bar comes",
    ),
    "of_the_whole_mean": (lambda past: past.close / np.nanmean(past.close, axis=0), "over the whole history"),
    "clipped": (between_quantiles, ""),
    "part_of_all_shares": (
        lambda past: np.where(np.isnan(past.close), np.nan, 1 / len(past.symbols)),
        "it depends on shares that list later",
    ),
    "volume_rank": (lambda past: by_share(lambda own: own.rank(pct=True))(past.volume), "over the whole history"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_feature_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of, hint = PLANTED[name]
    monkeypatch.setitem(FEATURES, name, Feature(of, 1, 1, minmax=True))
    found = check(spec("close", name, "move"))
    # It alone, and not what rests on it.
    assert [(leak.stage, leak.name) for leak in found.leaks] == [("features", f"feature {name!r}")]
    assert hint in cause(found).hint
    assert str(cause(found).cut) in cause(found).text


def test_a_feature_of_ones_own_is_checked_without_being_registered() -> None:
    of, _ = PLANTED["centred_mean"]
    own = {"mine": Feature(of, 1, 1), "honest": Feature(log_return, 1, 1)}
    found = check(spec(), Pipeline(features=own))
    assert [leak.name for leak in found.leaks] == ["feature 'mine'"]


def test_what_comes_out_otherwise_each_time_is_told_apart() -> None:
    drawn = np.random.default_rng(1)
    found = check(spec(), Pipeline(features={"noise": Feature(lambda past: drawn.random(past.close.shape), 0, 0)}))
    assert "unchanged" in cause(found).futures
    assert cause(found).hint.startswith("it comes out otherwise each time")


def test_a_feature_that_lacks_its_newest_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # The row is missing on the last day alone, so that a backtest has windows that nobody could have asked for.
    narrow = by_share(lambda own: own.rolling(3, center=True).mean())
    monkeypatch.setitem(FEATURES, "narrow", Feature(lambda past: narrow(past.close), 1, 1))
    found = check(spec("narrow", "close"))
    assert [leak.name for leak in found.leaks] == ["feature 'narrow'"]
    assert "truncated" in cause(found).futures


def test_the_text_says_what_changed_from_what_to_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FEATURES, "open", Feature(lambda past: following(past.open), 0, 0))
    leak = cause(check(spec("open")))
    assert leak.session == f"{leak.cut}"
    assert f"feature 'open': {leak.symbol}, {leak.cut} changed when the bars after {leak.cut} were removed" in leak.text
    assert leak.after is None


# Prices


def back_filled(bars: Bars, direction: str = "backward") -> pd.DataFrame:
    """Each factor a bar too early, as where what is missing is filled from below."""
    table = bars.frame.copy()
    factor = table.groupby("symbol")["adj_factor"].shift(-1).fillna(table["adj_factor"])
    for name in PRICES:
        table[name] = table[name] * factor
    table["volume"] = table["volume"] / factor
    return table


def by_the_last_factor(bars: Bars, direction: str = "backward") -> pd.DataFrame:
    return adjusted(bars, "forward")


def named_prices(found: Report) -> None:
    assert cause(found).stage == "adjusted prices"
    assert {leak.name for leak in found.leaks} == {f"adjusted {name}" for name in (*PRICES, "volume")}
    assert "split" in cause(found).futures


@pytest.mark.parametrize("leaking", [back_filled, by_the_last_factor])
def test_a_back_filled_factor_is_named(leaking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.adjust, "adjusted", leaking)
    named_prices(check(spec()))


@pytest.mark.parametrize("module", [data.adjust, data.history], ids=lambda module: module.__name__)
def test_a_back_filled_factor_is_named_where_bars_are_laid_out(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = data.adjust.adjusted_numbers

    def leaking(numbers: Any) -> Any:
        factor = numbers["adj_factor"]
        return plain({**numbers, "adj_factor": np.append(factor[1:], factor[-1:])})

    monkeypatch.setattr(module, "adjusted_numbers", leaking)
    named_prices(check(spec()))


def test_adjusting_of_ones_own_is_checked() -> None:
    named_prices(check(spec(), Pipeline(adjust=back_filled)))
    assert check(spec(), Pipeline(adjust=adjusted)).clean


# Scaling


def fitted_on_everything(rows: Panel, through: np.datetime64) -> SeriesScaling:
    ranges = {}
    for position, symbol in enumerate(rows.symbols):
        own = rows.series == position
        if (rows.session[own] <= through).any():
            values = MinMaxScaler().fit(rows.values[own])
            close = rows.close[own]
            low, high = tuple(values.data_min_.tolist()), tuple(values.data_max_.tolist())
            ranges[symbol] = SeriesRange(low, high, float(close.min()), float(close.max()))
    return SeriesScaling(ranges)


@pytest.mark.parametrize("module", [data.windows, forecaster.experiment], ids=lambda module: module.__name__)
def test_a_scaler_fitted_on_everything_is_named(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit_series_scaling", fitted_on_everything)
    found = check(spec("close", "volume", scaling="series", target="level"))
    assert cause(found).stage == "scaling"
    names = {leak.name for leak in found.leaks}
    assert {"the range of feature 'close'", "the range of feature 'volume'", "the range of the close"} <= names
    assert "more than the training sessions" in cause(found).hint


def test_scaling_of_ones_own_is_checked() -> None:
    assert cause(check(spec(), Pipeline(fit_scaling=fitted_on_everything))).stage == "scaling"
    assert check(spec(), Pipeline(fit_scaling=data.windows.fit_series_scaling)).clean


class ByTheBatch:
    """Scales by the range of whatever it is given together, which is no property of a window."""

    def inputs(self, raw: Array, symbols: Any, series: Any, minmax: Any) -> Any:
        flat = raw.reshape(-1, raw.shape[-1])
        return ((raw - flat.min(axis=0)) / np.ptp(flat, axis=0)).astype(np.float32)

    def target_range(self, close: Array, last: Any, lookback: int, symbols: Any, series: Any) -> tuple[Array, Array]:
        return close[last], close[last]

    def require(self, symbol: str) -> None:
        return


def test_scaling_by_the_batch_is_caught() -> None:
    found = check(spec(unit="range"), Pipeline(fit_scaling=lambda rows, through: ByTheBatch()))
    assert cause(found).stage == "windows"
    assert cause(found).name.startswith("window's input")


# Calendar


def sessions_from_bars(bars: Bars, symbol: str, after: date, count: int) -> tuple[date, ...]:
    """The symbol's own later bars, as nobody knows them beforehand."""
    own = bars.frame.loc[bars.frame["symbol"] == symbol, "session"]
    later = [stamp.date() for stamp in own[own > pd.Timestamp(after)]]
    return tuple((later + [date(2099, 1, 1)] * count)[:count])


def test_a_calendar_read_from_later_bars_is_named() -> None:
    found = check(spec(), Pipeline(next_sessions=sessions_from_bars))
    assert (cause(found).stage, cause(found).name) == ("calendar", "the next session")
    assert cause(found).after == "2099-01-01"


# Training set, calibration, forecasts


def test_spans_that_overlap_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_a_gap(origin: Any, outcome: Any, *, validation: int, test: int, gap: int) -> Any:
        days = np.unique(origin)
        place = np.searchsorted(days, origin)
        parts = [place < len(days) - validation - test, place < len(days) - test, place >= 0]
        train, validated, _ = parts
        return data.splits.Split(np.flatnonzero(train), np.flatnonzero(validated & ~train), np.flatnonzero(~validated))

    monkeypatch.setattr(forecaster.experiment, "chronological", without_a_gap)
    found = check(spec(horizon=3), cuts=1)
    leak = next(one for one in found.leaks if one.name == "training window" and "next span begins" in one.text)
    assert leak.stage == "training set"
    assert f"{leak.symbol}, {leak.session} is learnt from with its outcome of" in leak.text


def test_a_target_that_moves_with_the_future_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = forecaster.model.windows_of

    def demeaned(*given: Any) -> Windows:
        made = whole(*given)
        return replace(made, y=made.y - np.nanmean(made.y))

    monkeypatch.setattr(forecaster.model, "windows_of", demeaned)
    leak = cause(check(spec()))
    assert (leak.stage, leak.name) == ("windows", "window's target")


def test_a_calibration_that_sees_later_outcomes_is_named() -> None:
    def knowing(output: Any, held_in: Windows, of: ModelSpec) -> Calibration:
        honest = calibrate(output, held_in.y, of.quantiles, held_in.origin, held_in.outcome)
        return replace(honest, shift=honest.shift + np.diff(np.log(held_in.panel.close)).std())

    leak = cause(check(spec(), Pipeline(calibrate=knowing)))
    assert (leak.stage, leak.name) == ("calibration", "the correction")


def test_following_outcomes_before_they_came_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = forecaster.model.followed

    def in_hindsight(start: Calibration, output: Any, *given: Any) -> Any:
        end = honest(start, output, *given)[1]
        return end.apply(output), end

    monkeypatch.setattr(forecaster.model, "followed", in_hindsight)
    leak = cause(check(spec()))
    assert (leak.stage, leak.name) == ("forecasts", "the forecast's quantiles")


def test_forecasts_that_depend_on_the_rest_of_the_batch_are_named() -> None:
    class Relative:
        def __init__(self, of: ModelSpec) -> None:
            self.honest = Projection(of)

        def predict(self, x: Any) -> Any:
            made = self.honest.predict(x)
            return made - made.mean(axis=0) + np.linspace(-1, 1, made.shape[-1], dtype=np.float32)

    assert cause(check(spec(), Pipeline(predictor=Relative))).stage in ("calibration", "forecasts")


def test_an_answer_that_differs_from_the_backtest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = forecaster.model.Model.quantiles
    monkeypatch.setattr(forecaster.model.Model, "quantiles", lambda *given: honest(*given) * 1.001)
    leak = cause(check(spec()))
    assert (leak.stage, leak.name, leak.futures) == ("forecasts", "the answer's quantiles", ("truncated",))
