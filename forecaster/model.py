"""Everything that turns bars into forecasts: spec, scaling, network, calibration.

The same path serves the held-out evidence, the command line and the service, so that what was measured is what
is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from data.bars import Bars
from data.errors import DataError, TooFewBars
from data.scaling import Scaling
from data.sessions import Calendars
from data.windows import Index, Windows, cut, panel
from forecaster.calibration import Calibration
from forecaster.errors import NotEnoughHistory
from forecaster.forecast import Array, Forecast, Predictor
from forecaster.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked.

    Attributes:
        spec: what it is.
        scaling: how windows become inputs.
        calibration: how outputs become quantiles.
        predictor: the network.
    """

    spec: ModelSpec
    scaling: Scaling
    calibration: Calibration
    predictor: Predictor

    def windows(self, bars: Bars) -> Windows:
        """Every window of `bars`, as this model sees them. Raises as `data.windows.cut`."""
        rows = panel(bars, self.spec.features)
        return cut(
            rows,
            lookback=self.spec.lookback,
            horizon=self.spec.horizon,
            target=self.spec.target,
            scaling=self.scaling,
        )

    def quantiles(self, windows: Windows) -> Array:
        """`(n, horizon, q)` quantiles as backward-adjusted closes [currency], ascending."""
        scaled = self.calibration.apply(self.predictor.predict(windows.x))
        # A share cannot cost less than nothing, however wide the interval.
        return np.maximum(windows.prices(scaled), 0.0)

    def forecast(self, bars: Bars, calendars: Calendars) -> Forecast:
        """The forecast of the one symbol in `bars` from its newest session, for those that follow in `calendars`.

        Raises:
            NotEnoughHistory: fewer usable sessions than one window needs.
            CalendarBounds, UnknownExchange: the target session cannot be named.
            UnscaledSymbol: per-series scaling does not know the symbol.
        """
        (symbol,) = bars.symbols
        outcome = self.forecasts(bars, calendars)[symbol]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def forecasts(self, bars: Bars, calendars: Calendars) -> dict[str, Forecast | Exception]:
        """For each symbol in `bars` its forecast from its newest session, or the error that says why there is none.

        All symbols go through the network in one batch.
        """
        outcomes: dict[str, Forecast | Exception] = {}
        targets: dict[str, tuple[date, ...]] = {}
        newest = bars.frame.groupby("symbol")["session"].last()
        for symbol in bars.symbols:
            try:
                targets[symbol] = calendars.of(symbol).next_sessions(_day(newest[symbol]), self.spec.horizon)
                self.scaling.target_range(np.ones((1, 1)), [symbol])  # refuses a symbol that it does not know
            except DataError as error:
                outcomes[symbol] = error
        made = self._newest(Bars(bars.frame[bars.frame["symbol"].isin(targets.keys() - outcomes.keys())]), targets)
        for symbol in targets.keys() - outcomes.keys():
            found = int((bars.frame["symbol"] == symbol).sum())
            outcomes[symbol] = made.get(symbol) or NotEnoughHistory(symbol, self.spec.lookback, found)
        return {symbol: outcomes[symbol] for symbol in bars.symbols}

    def _newest(self, bars: Bars, targets: dict[str, tuple[date, ...]]) -> dict[str, Forecast]:
        try:
            windows = self.windows(bars)
        except TooFewBars:
            return {}
        windows = windows.take(_last_of_each(windows.panel.series[windows.last]))
        prices = self.quantiles(windows)
        factor = windows.panel.factor[windows.last]
        return {
            symbol: Forecast(
                symbol=symbol,
                as_of=windows.origin[position].item(),
                target_sessions=targets[symbol],
                last_close=float(windows.last_close[position] / factor[position]),
                levels=self.spec.quantiles,
                quantiles=prices[position] / factor[position],
            )
            for position, symbol in enumerate(windows.symbols)
        }


def _day(session: pd.Timestamp) -> date:
    return session.date()


def _last_of_each(series: Index | Sequence[int]) -> Index:
    """Positions of the last entry of each run of equal numbers."""
    numbers = np.asarray(series)
    return np.flatnonzero(np.append(numbers[1:] != numbers[:-1], True))
