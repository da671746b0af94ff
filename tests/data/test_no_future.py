"""No future leaks: what is known at an origin does not depend on anything after it.

The whole path runs twice, from bars to windows: once over the bars as they are, once over bars that were changed
after an origin. All windows up to that origin must come out alike to the last bit. That the comparison can fail is
shown at the end, on paths that leak on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.adjust import adjusted
from data.bars import PRICES, Bars
from data.features import FEATURES, Feature, warmup
from data.history import Array, History, lag
from data.indicators import log_return
from data.scaling import Scaling, SeriesScaling, WindowScaling
from data.windows import Panel, Target, Unit, Windows, cut, fit_series_scaling, panel
from tests.data.tables import checked, closes, market, trusted

EVERYTHING = tuple(FEATURES)
# Two share an exchange, and the last one follows the universe without being of it.
SYMBOLS = ("AAPL", "IBM", "600000.SH", "MSFT")
UNIVERSE = ("AAPL", "600000.SH", "IBM", "A")


@dataclass(frozen=True)
class Path:
    """From bars to windows, as a model asks for them."""

    names: tuple[str, ...] = ("close",)
    lookback: int = 3
    horizon: int = 1
    target: Target = "change"
    # None: each window by its own range. Else per series, fitted on the rows up to this session.
    trained_through: np.datetime64 | None = None
    unit: Unit = "range"
    universe: tuple[str, ...] | None = None

    def __call__(self, bars: Bars) -> Windows:
        return self.windows(panel(bars, self.names, self.universe), self.trained_through)

    def windows(self, rows: Panel, trained_through: np.datetime64 | None) -> Windows:
        scaling: Scaling = WindowScaling()
        if trained_through is not None:
            scaling = fit_series_scaling(rows, trained_through)
            # Symbols without training rows have no range and drop out, as they do in training.
            rows = rows.only(np.isin(rows.series, [rows.symbols.index(symbol) for symbol in scaling.ranges]))
        return cut(
            rows,
            lookback=self.lookback,
            horizon=self.horizon,
            target=self.target,
            scaling=scaling,
            unit=self.unit,
        )


def first_difference(path: Callable[[Bars], Windows], before: Bars, after: Bars, origin: np.datetime64) -> str | None:
    """The first thing known at `origin` in which the windows of two histories differ, None where there is none.

    Compared to the last bit: which windows there are, their inputs, offset, scale and last close, the targets that are
    known at the origin, and the fitted ranges of a scaling per series. Later targets are not, nor what the shares of a
    session have in common afterwards: they are the future.
    """
    one, other = path(before), path(after)
    if isinstance(one.scaling, SeriesScaling) and isinstance(other.scaling, SeriesScaling):
        for symbol in sorted({*one.scaling.ranges, *other.scaling.ranges}):
            if one.scaling.ranges.get(symbol) != other.scaling.ranges.get(symbol):
                return f"range of {symbol}"
    one, other = (windows.take(windows.origin <= origin) for windows in (one, other))
    known, known_too = (list(zip(windows.symbols, windows.origin, strict=True)) for windows in (one, other))
    if known != known_too:
        return f"window of {' at '.join(map(str, min(set(known) ^ set(known_too))))}"
    for name in ("x", "offset", "scale", "last_close", "y"):
        values, values_too = (getattr(windows, name) for windows in (one, other))
        if name == "y":
            values, values_too = (np.where(w.outcomes <= origin, w.y, np.nan) for w in (one, other))
        for (symbol, day), value, value_too in zip(known, values, values_too, strict=True):
            if value.tobytes() != value_too.tobytes():
                return f"{name} of {symbol} at {day}"
    return None


# Ways to change what comes after an origin. Each takes rows, says which of them are later, and a source of chance.


def rewrite(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Every later bar, in every column."""
    return changed(rows, later, rng)


def touch(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """One later bar."""
    return changed(rows, only(later, rng), rng)


def reprice(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """The prices of one later bar, by much: it becomes the highest or lowest of all."""
    rows = rows.copy()
    rows.loc[only(later, rng), list(PRICES)] *= rng.choice([1e-3, 1e3])
    return rows


def refactor(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """A split or dividend nobody knew of: the factor of all later bars."""
    rows = rows.copy()
    rows.loc[later, "adj_factor"] *= rng.choice([0.1, 1.004, 2.0, 10.0])
    return rows


def retrade(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Volume and amount of all later bars."""
    rows = rows.copy()
    rows.loc[later, "volume"] = np.round(rng.lognormal(15, 5, int(later.sum())))
    rows.loc[later, "amount"] = rng.choice([0.0, 1e12, np.nan], int(later.sum()))
    return rows


def delete(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """One later bar is gone."""
    return rows[~only(later, rng)]


def thin(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """About half of the later bars are gone."""
    return rows[~(later & (rng.random(len(rows)) < 0.5))]


def truncate(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Nothing came after the origin: it is today."""
    return rows[~later]


def append(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """More bars of every symbol after the last one."""
    newest = rows.groupby("symbol").tail(1)
    ends = rows["session"].max()
    more = [newest.assign(session=ends + pd.Timedelta(days=day)) for day in range(1, int(rng.integers(2, 6)))]
    extra = pd.concat(more, ignore_index=True)
    return pd.concat([rows, changed(extra, np.ones(len(extra), dtype=bool), rng)], ignore_index=True)


def enlist(rows: pd.DataFrame, later: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """New symbols are listed, before and after the others in the alphabet."""
    days = rows["session"][later]
    ends = days.min() if len(days) else rows["session"].max() + pd.Timedelta(days=1)
    values = list(rng.uniform(1, 1000, 8))
    listed = [closes(values, symbol=symbol, first=str(ends.date())) for symbol in ("A", "S0-B", "Z")]
    return pd.concat([rows, *(one.astype({"session": rows["session"].dtype}) for one in listed)], ignore_index=True)


CHANGES = (rewrite, touch, reprice, refactor, retrade, delete, thin, truncate, append, enlist)


def changed(rows: pd.DataFrame, which: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    rows = rows.copy()
    n = int(which.sum())
    factor = np.exp(rng.normal(0.0, 1.0, n))
    for name in PRICES:
        rows.loc[which, name] *= factor
    rows.loc[which, "high"] *= rng.uniform(1.0, 2.0, n)
    rows.loc[which, "low"] *= rng.uniform(0.5, 1.0, n)
    rows.loc[which, "volume"] = np.round(rng.lognormal(10, 3, n))
    rows.loc[which, "amount"] = rng.choice([np.nan, 0.0, 1e9], n)
    rows.loc[which, "adj_factor"] *= np.exp(rng.normal(0.0, 1.0, n))
    return rows


def only(which: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of the rows that `which` marks, where it marks any."""
    one = np.zeros(len(which), dtype=bool)
    if which.any():
        one[rng.choice(np.flatnonzero(which))] = True
    return one


def histories(
    seed: int,
    change: Callable[..., pd.DataFrame],
    origin_at: float,
    *,
    symbols: int = 2,
    sessions: int = 24,
    skip: int = 0,
    bars: Callable[[pd.DataFrame], Bars] = trusted,
) -> tuple[Bars, Bars, np.datetime64]:
    """A random market, the same with another future, and the origin between past and future.

    Args:
        seed: of all chance.
        change: what makes the future another.
        origin_at: where the origin lies, from 0 to 1 of the sessions that come after the first `skip`.
        symbols: how many.
        sessions: how many after the first `skip`.
        skip: sessions for features to get their past.
        bars: how rows become bars.
    """
    rng = np.random.default_rng(seed)
    suspended = float(rng.choice([0.0, 0.1, 0.4]))
    rows = market(seed, sessions=skip + sessions, suspended=suspended, names=SYMBOLS[:symbols])
    days = np.unique(rows["session"].to_numpy().astype("datetime64[D]"))
    origin = days[min(skip + int(origin_at * sessions), len(days) - 1)]
    later = rows["session"].to_numpy() > origin
    return bars(rows), bars(change(rows, later, rng)), origin


futures = {
    "seed": st.integers(0, 2**32 - 1),
    "change": st.sampled_from(CHANGES),
    "origin_at": st.floats(0.2, 1.0),
    "target": st.sampled_from(["change", "level"]),
    "unit": st.sampled_from(["volatility", "range"]),
    "universe": st.sampled_from([None, UNIVERSE]),
    "series": st.booleans(),
    "lookback": st.integers(2, 7),
    "horizon": st.integers(1, 4),
}


def assert_no_difference(
    names: tuple[str, ...],
    seed: int,
    change: Callable[..., pd.DataFrame],
    origin_at: float,
    target: Target,
    unit: Unit,
    universe: tuple[str, ...] | None,
    series: bool,
    lookback: int,
    horizon: int,
    symbols: int = 2,
    trained: int = 0,
) -> None:
    # A suspended symbol takes longer to get its past.
    before, after, origin = histories(seed, change, origin_at, symbols=symbols, skip=int(1.4 * warmup(names)))
    # Training may end at the origin or at any session before it.
    path = Path(names, lookback, horizon, target, origin - trained if series else None, unit, universe)
    past = panel(before, names, universe)
    # Long enough a past that there is a window to compare, in a symbol that was trained on.
    known = past.session <= origin
    if target == "change" and unit == "volatility":
        known &= ~np.isnan(past.volatility)
    trained_on = past.session <= (origin - trained)
    rows = [int(known[past.series == s].sum()) for s in range(len(past.symbols)) if trained_on[past.series == s].any()]
    assume(rows and max(rows) >= lookback)
    assert first_difference(path, before, after, origin) is None


@pytest.mark.parametrize("name", FEATURES)
@settings(max_examples=15, deadline=None)
@given(**futures)
def test_no_feature_knows_the_future(name: str, **future: Any) -> None:
    assert_no_difference((name,), **future)


@settings(max_examples=120, deadline=None)
@given(symbols=st.integers(1, 4), trained=st.integers(0, 20), **futures)
def test_all_features_together_know_nothing_of_the_future(**future: Any) -> None:
    assert_no_difference(EVERYTHING, **future)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_future_is_one(change: Callable[..., pd.DataFrame]) -> None:
    # A change that changes nothing would prove nothing; and the past must be the same by its rows already.
    different = 0
    for seed in range(6):
        # Here with all checks: what is changed must still be bars.
        before, after, origin = histories(seed, change, 0.5, bars=checked)
        past, past_too = (bars.frame[bars.frame["session"] <= origin] for bars in (before, after))
        pd.testing.assert_frame_equal(past.reset_index(drop=True), past_too.reset_index(drop=True), check_exact=True)
        different += not before.frame.equals(after.frame)
    assert different == 6


@pytest.mark.parametrize("scaling", ["window", "series"])
def test_today_sees_what_the_backtest_saw(scaling: str) -> None:
    # Session by session, the windows of the table cut off there are the windows of the whole table.
    rows = market(11, sessions=56, names=SYMBOLS)
    whole = trusted(rows)
    days = np.unique(rows["session"].to_numpy().astype("datetime64[D]"))
    through = None if scaling == "window" else days[28]
    path = Path(EVERYTHING, 5, 2, "change", through, "volatility", UNIVERSE)
    for origin in days[30:]:
        today = trusted(rows[rows["session"].to_numpy() <= origin])
        assert first_difference(path, whole, today, origin) is None
        assert path(today).origin.max() == origin


# The checker has teeth: each of these paths leaks, and each leak is found.


def leaks(
    path: Callable[[Bars], Windows],
    *,
    names: Sequence[str] = ("close",),
    seeds: int = 10,
    change: Callable[..., pd.DataFrame] = rewrite,
) -> set[str]:
    """What differs on a path over a few random markets: the first word of each difference."""
    found = set()
    for seed in range(seeds):
        before, after, origin = histories(seed, change, 0.6, sessions=40, skip=int(1.4 * warmup(names)))
        difference = first_difference(path, before, after, origin)
        if difference is not None:
            found.add(difference.split()[0])
    return found


def by_column(of: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Array], Array]:
    return lambda values: of(pd.DataFrame(values)).to_numpy()


def next_row(values: Array) -> Array:
    return lag(values[::-1], 1)[::-1]


def centred(own: pd.DataFrame) -> pd.DataFrame:
    return own.rolling(3, center=True, min_periods=1).mean() / own


# All of them small numbers, for a unit-free feature is cut.
LEAKING_FEATURES: dict[str, Callable[[History], Array]] = {
    "centred rolling mean": lambda past: by_column(centred)(past.close),
    "tomorrow's open": lambda past: by_column(pd.DataFrame.ffill)(next_row(past.open) / past.close),
    "filled backwards": lambda past: by_column(lambda own: own.bfill().fillna(0.0))(next_row(log_return(past))),
    "relative to the whole mean": lambda past: past.close / np.nanmean(past.close, axis=0),
    "relative to the highest of all": lambda past: past.close / np.nanmax(past.close),
    "rank in the whole history": lambda past: by_column(lambda own: own.rank(pct=True))(past.volume),
    "tomorrow's universe": lambda past: np.nan_to_num(past.across(next_row(log_return(past)))),
}


def plant(monkeypatch: pytest.MonkeyPatch, name: str, of: Callable[[History], Array], *, minmax: bool = False) -> None:
    monkeypatch.setitem(FEATURES, name, Feature(of, 1, 1, minmax=minmax))


@pytest.mark.parametrize(
    ("name", "scaling"),
    [
        (name, scaling)
        for name in LEAKING_FEATURES
        for scaling in ("window", "series", "none")
        # A factor common to a whole window is undone by the window's own range; in other forms it shows.
        if (name.split()[0], scaling) != ("relative", "window")
    ],
)
def test_a_leaking_feature_is_caught(name: str, scaling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, name, LEAKING_FEATURES[name], minmax=scaling != "none")
    # A Friday before the origin.
    path = Path(("close", name), 4, trained_through=np.datetime64("2024-01-19") if scaling == "series" else None)
    # Of the fitted range, the close is no leak: what differs is the feature.
    assert leaks(path) & {"x", "range"}
    assert leaks(replace(path, names=("close",))) == set()


def test_a_volatility_that_knows_tomorrow_is_caught() -> None:
    def path(bars: Bars) -> Windows:
        rows = panel(bars, ("close",))
        rows = replace(rows, volatility=np.append(rows.volatility[1:], np.nan))
        return Path(unit="volatility").windows(rows, None)

    assert "scale" in leaks(path, names=("move",))
    assert leaks(Path(unit="volatility"), names=("move",)) == set()


def test_a_target_that_is_known_and_changes_is_caught() -> None:
    def path(bars: Bars) -> Windows:
        found = Path(("close",), 4, horizon=2)(bars)
        return replace(found, y=found.y - found.y[::-1].mean(axis=0, where=~np.isnan(found.y[::-1])))

    assert leaks(path) == {"y"}


def test_a_feature_that_drops_the_newest_row_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a value for the last session, a window is there in the backtest and missing today.
    narrow = by_column(lambda own: own.rolling(3, center=True).mean())
    plant(monkeypatch, "centred", lambda past: narrow(past.close))
    assert leaks(Path(("centred",), 4), change=truncate) & {"window", "x"}


def test_a_scaler_fitted_on_everything_is_caught() -> None:
    def path(bars: Bars) -> Windows:
        rows = panel(bars, EVERYTHING)
        return Path(EVERYTHING, 4).windows(rows, rows.session.max())

    assert leaks(path, names=EVERYTHING) == {"range"}
    assert leaks(path, names=EVERYTHING, change=truncate) == {"range"}


def test_a_scaler_fitted_past_the_origin_is_caught_in_the_inputs_too() -> None:
    def path(bars: Bars) -> Windows:
        rows = panel(bars, ("close", "volume"))
        leaking = fit_series_scaling(rows, rows.session.max())
        return cut(rows, lookback=4, horizon=1, target="level", scaling=AsIs(leaking))

    assert leaks(path) == {"x"}


@dataclass(frozen=True)
class AsIs:
    """A scaling of which only the results can be compared."""

    hidden: SeriesScaling

    def inputs(self, *given: Any) -> Any:
        return self.hidden.inputs(*given)

    def target_range(self, *given: Any) -> Any:
        return self.hidden.target_range(*given)

    def require(self, symbol: str) -> None:
        self.hidden.require(symbol)


@pytest.mark.parametrize("change", [refactor, rewrite, truncate])
def test_forward_adjusted_prices_are_caught(change: Callable[..., pd.DataFrame]) -> None:
    def path(bars: Bars) -> Windows:
        table = adjusted(bars, "forward").assign(adj_factor=1.0)
        return Path(("close", "volume"), 4)(Bars(table))

    # The range of a window undoes a common factor in the inputs; its offset and scale in currency show it.
    assert leaks(path, change=change) & {"x", "offset", "scale"}


def test_a_window_that_reaches_one_session_too_far_is_caught() -> None:
    def path(bars: Bars) -> Windows:
        found = Path(("close",), 4)(bars)
        ahead = np.minimum(found.last + 1, len(found.panel.close) - 1)
        return replace(found, offset=found.panel.close[ahead])

    assert leaks(path) == {"offset"}
