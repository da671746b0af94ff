"""How accurate are the forecasts, walked forward, against the field?

Every forecaster gives quantiles of each symbol's next close from the bars up to its origin. All are fitted anew at the
same sessions, on what was known by then, and are compared on the symbol-sessions that every one of them forecast.

    python benchmarks/accuracy.py --data prices.parquet --field-python FIELD/bin/python --out var/accuracy

naive            last close, spread as the symbol's own last 500 returns
drift            the same, moved by the symbol's mean return so far
ewma             exponentially weighted volatility, quantiles of standardised returns
garch            GARCH(1,1)-t for each symbol (package arch): the yardstick of pinball loss
ets              exponential smoothing on the log close (statsmodels)
autoets, arima   AutoETS and AutoARIMA on the log close (statsforecast)
tutorial         our network in the classic form, docs/classic.toml: the price itself as target, one scaler a share
neuralforecast   its LSTM with the quantile loss
ours             the default spec, or --spec and --set

statsforecast and neuralforecast cannot be installed beside our packages (statsforecast wants pandas below 3): they run
in an interpreter of their own, given as --field-python. Without it they are left out.
"""

from __future__ import annotations

import sys

from walkforward.command import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
