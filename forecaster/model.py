"""Everything that turns bars into forecasts: spec, scaling, network, calibration.

The same path serves the held-out evidence, the command line and the service, so that what was measured is what
is answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from data.bars import Bars
from data.errors import DataError, TooFewBars
from data.features import needs_universe, warmup
from data.history import History
from data.indicators import LEAST_BARS
from data.scaling import Scaling
from data.sessions import Calendars
from data.windows import Index, Mask, Panel, Windows, cut, panel, panel_of
from forecaster.calibration import Calibration, followed
from forecaster.errors import NotEnoughHistory, NotFinite
from forecaster.forecast import Array, Float32, Forecast, Predictor
from forecaster.spec import ModelSpec

# Outcomes of so many shares say how wide intervals should be; more would only take longer.
TRACKED: Final = 300

_BATCH: Final = 16_384

# ONNX Runtime multiplies so many rows at a time, and the rows left over in another order, which shows in the last bit.
# With none left over a forecast does not depend on those that are made beside it.
_ROWS: Final = 4


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked.

    Attributes:
        spec: what it is.
        scaling: how windows become inputs.
        calibration: how outputs became quantiles when training ended.
        predictor: the network.
        universe: the symbols that it was trained on; features of the universe are theirs.
        before: the calibration before the held-out span, for questions about sessions of that span.
    """

    spec: ModelSpec
    scaling: Scaling
    calibration: Calibration
    predictor: Predictor
    universe: tuple[str, ...] = ()
    before: Calibration | None = None

    @property
    def tracked(self) -> frozenset[str]:
        """The symbols whose outcomes move the intervals: at most `TRACKED`, chosen by a hash of their names."""
        order = sorted(self.universe, key=lambda symbol: hashlib.sha256(symbol.encode()).digest())
        return frozenset(order[:TRACKED])

    def reads(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Whose bars a forecast of `symbols` rests on, those of the universe included where they count."""
        others = self.universe if needs_universe(self.spec.features) else self.tracked
        return tuple(sorted({*symbols, *others}))

    def windows(self, bars: Bars) -> Windows:
        """Every window of `bars`, as this model sees them. Symbols that its scaling does not know have none.

        Raises:
            TooFewBars: there is none at all.
        """
        return windows_of(self._panel(bars), self.spec, self.scaling)

    def _panel(self, bars: Bars, newest: int | None = None) -> Panel:
        """The rows of the symbols that the scaling knows, at least the last `newest` of each; None: all."""
        rows = panel(bars, self.spec.features, frozenset(self.universe) or None, newest)
        known = np.array([self._scales(symbol) for symbol in rows.symbols], dtype=bool)
        return rows if known.all() else rows.only(known[rows.series])

    def outputs(self, windows: Windows) -> Float32:
        """`(n, horizon, outputs)`, what the network gives. Windows are scaled a batch at a time, to save memory."""
        if len(windows) <= _BATCH:
            return self.predictor.predict(windows.x)
        starts = range(0, len(windows), _BATCH)
        batches = (np.arange(start, min(start + _BATCH, len(windows))) for start in starts)
        return np.concatenate([self.predictor.predict(windows.inputs(batch)) for batch in batches])

    def quantiles(self, windows: Windows, calibration: Calibration | None = None) -> Array:
        """`(n, horizon, q)` quantiles as backward-adjusted closes [currency], ascending.

        Args:
            windows: what to forecast from.
            calibration: another than the model's own.
        """
        scaled = (calibration or self.calibration).apply(self.outputs(windows))
        return _prices(windows, scaled)

    def followed(self, windows: Windows, start: Calibration) -> tuple[Array, Calibration]:
        """As `quantiles`, each with the calibration that was known at its origin; and the one after the last outcome.

        Args:
            windows: any, with outcomes or without; those of tracked symbols move the calibration.
            start: the calibration before the first outcome.
        """
        scaled, end = followed(
            start,
            self.outputs(windows),
            windows.y,
            self.spec.quantiles,
            windows.origin,
            windows.outcomes,
            self._counted(windows),
        )
        return _prices(windows, scaled), end

    def calibrated(self, windows: Windows) -> Calibration:
        """The calibration after the outcomes that are known among `windows`, all that the model has seen before."""
        start = self.calibration
        if self.before is not None and start.through is not None and (windows.origin < start.through).all():
            start = self.before
        if start.through is None:
            return start
        new = self.moves(windows, start)
        return self.followed(windows.take(new), start)[1] if new.any() else start

    def moves(self, windows: Windows, start: Calibration) -> Mask:
        """`(n,)`: which windows have outcomes that `start` has not seen and that move it."""
        if start.through is None:
            return np.zeros(len(windows), dtype=bool)
        return self._counted(windows) & (windows.outcomes > start.through).any(axis=1)

    def _counted(self, windows: Windows) -> Mask:
        tracked = self.tracked
        among = np.array([symbol in tracked for symbol in windows.panel.symbols], dtype=bool)
        return among[windows.panel.series[windows.last]]

    def forecast(self, bars: Bars, calendars: Calendars) -> Forecast:
        """The forecast of the one symbol in `bars` from its newest session, for those that follow in `calendars`.

        Raises:
            NotEnoughHistory: fewer sessions than one window and its features need.
            NotFinite: the bars' numbers are too large or too small.
            CalendarBounds, UnknownExchange: the target session cannot be named.
            UnscaledSymbol: per-series scaling does not know the symbol.
        """
        (symbol,) = bars.symbols
        outcome = self.forecasts(bars, calendars)[symbol]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def forecasts(
        self,
        bars: Bars,
        calendars: Calendars,
        symbols: Sequence[str] | None = None,
        calibration: Calibration | None = None,
    ) -> dict[str, Forecast | Exception]:
        """For each symbol its forecast from its newest session, or the error that says why there is none.

        All symbols go through the network in one batch.

        Args:
            bars: of the symbols that `reads` names; what came since the model was made moves the intervals.
            calendars: the exchanges' sessions.
            symbols: whose forecasts; None takes all in `bars`.
            calibration: what came of earlier forecasts, where it is known already; None follows it through `bars`.
        """
        wanted = frozenset(bars.symbols if symbols is None else symbols)
        asked = [symbol for symbol in bars.symbols if symbol in wanted]
        outcomes: dict[str, Forecast | Exception] = {}
        targets: dict[str, tuple[date, ...]] = {}
        sessions = bars.frame.groupby("symbol")["session"]
        newest, counts = sessions.last(), sessions.size()
        for symbol in asked:
            try:
                targets[symbol] = calendars.of(symbol).next_sessions(_day(newest[symbol]), self.spec.horizon)
                self.scaling.require(symbol)
            except DataError as error:
                outcomes[symbol] = error
        own = {symbol: sessions for symbol, sessions in targets.items() if symbol not in outcomes}
        # Bars may keep every rule and have numbers whose products are infinite.
        with np.errstate(all="ignore"):
            made = self._newest(bars, own, calibration)
        for symbol in own:
            outcomes[symbol] = made.get(symbol) or self._without_window(symbol, int(counts[symbol]))
        return {symbol: outcomes[symbol] for symbol in asked}

    def forecast_one(self, past: History, calendars: Calendars, calibration: Calibration) -> Forecast:
        """The forecast of the one symbol in `past` from its newest session, with a calibration that is known already.

        From the same bars it is that of `forecasts` to the last bit, without the tables.

        Args:
            past: backward-adjusted bars, at least `least_bars`.
            calendars: the exchanges' sessions.
            calibration: nothing in `past` moves it.

        Raises:
            NotEnoughHistory: fewer sessions than one window and its features need.
            NotFinite: the bars' numbers are too large or too small.
            CalendarBounds, UnknownExchange: the target session cannot be named.
            UnscaledSymbol: per-series scaling does not know the symbol.
        """
        (symbol,) = past.symbols
        newest: date = past.session[-1, 0].item()
        targets = calendars.of(symbol).next_sessions(newest, self.spec.horizon)
        self.scaling.require(symbol)
        rows = panel_of(past, self.spec.features).only(slice(-self.spec.lookback, None))
        try:
            windows = windows_of(rows, self.spec, self.scaling)
        except TooFewBars:
            raise self._without_window(symbol, len(past)) from None
        made = self._named(windows, calibration, {symbol: targets})[symbol]
        if isinstance(made, NotFinite):
            raise made
        return made

    @property
    def least_bars(self) -> int:
        """How many bars a symbol needs at least."""
        warm = warmup(self.spec.features)
        if self.spec.target == "change" and self.spec.unit == "volatility":
            # The window's last bar needs a volatility; its first ones do not.
            warm = max(warm, LEAST_BARS + 1 - self.spec.lookback)
        return self.spec.lookback + warm

    def _newest(
        self, bars: Bars, targets: dict[str, tuple[date, ...]], calibration: Calibration | None
    ) -> dict[str, Forecast | NotFinite]:
        if not targets:
            return {}
        rows = self._panel(bars, None if calibration is None else self.spec.lookback)
        try:
            if calibration is None:
                calibration = self.calibrated(windows_of(rows, self.spec, self.scaling))
            # Of each symbol only the newest window is asked for.
            newest = _last_rows(rows.series, self.spec.lookback)
            windows = windows_of(rows if newest.all() else rows.only(newest), self.spec, self.scaling)
        except TooFewBars:
            return {}
        windows = windows.take(_last_of_each(windows.panel.series[windows.last]))
        windows = windows.take(np.array([symbol in targets for symbol in windows.symbols], dtype=bool))
        return self._named(windows, calibration, targets)

    def _named(
        self, windows: Windows, calibration: Calibration, targets: Mapping[str, tuple[date, ...]]
    ) -> dict[str, Forecast | NotFinite]:
        """The forecasts of windows of which each is another symbol's; those that are not finite are errors."""
        count = len(windows)
        whole = windows.take(np.pad(np.arange(count), (0, -count % _ROWS), mode="edge"))
        factor = windows.panel.factor[windows.last]
        prices = self.quantiles(whole, calibration)[:count] / factor[:, None, None]
        closes = windows.last_close / factor
        finite = np.isfinite(prices / closes[:, None, None]).all(axis=(1, 2)) & np.isfinite(closes) & (closes > 0)
        return {
            symbol: Forecast(symbol, as_of, targets[symbol], close, self.spec.quantiles, quantiles)
            if good
            else NotFinite(symbol)
            for symbol, as_of, close, quantiles, good in zip(
                windows.symbols, windows.origin.tolist(), closes.tolist(), prices, finite.tolist(), strict=True
            )
        }

    def _without_window(self, symbol: str, bars: int) -> NotEnoughHistory | NotFinite:
        """Why so many bars of a symbol have no window: they are too few, or their features are no numbers."""
        return NotEnoughHistory(symbol, self.least_bars, bars) if bars < self.least_bars else NotFinite(symbol)

    def _scales(self, symbol: str) -> bool:
        try:
            self.scaling.require(symbol)
        except DataError:
            return False
        return True


def windows_of(rows: Panel, spec: ModelSpec, scaling: Scaling) -> Windows:
    """Every window of a panel, as a spec cuts them. Raises as `data.windows.cut`."""
    return cut(rows, lookback=spec.lookback, horizon=spec.horizon, target=spec.target, scaling=scaling, unit=spec.unit)


def _prices(windows: Windows, scaled: Array) -> Array:
    # A share cannot cost less than nothing, however wide the interval.
    prices = windows.prices(scaled)
    return np.maximum(prices, 0.0, out=prices)


def _day(session: pd.Timestamp) -> date:
    return session.date()


def _last_of_each(series: Index | Sequence[int]) -> Index:
    """Positions of the last entry of each run of equal numbers."""
    numbers = np.asarray(series)
    return np.flatnonzero(np.append(numbers[1:] != numbers[:-1], True))


def _last_rows(series: Index, count: int) -> Mask:
    """`(rows,)`: whether a row is one of the last `count` of its run of equal numbers."""
    ends = _last_of_each(series)
    left = np.repeat(ends, np.diff(np.append(-1, ends))) - np.arange(len(series))
    return np.asarray(left < count)
