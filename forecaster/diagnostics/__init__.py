"""How wrong and how late a symbol's forecasts have been, and whether they beat "same as yesterday".

Pure functions of one `ForecastRecord`; no clock, no file, no state.

::

    record.py         ForecastRecord: held-out forecasts and closes of one symbol, validated once
      ├── errors.py         Errors: MAE, RMSE, MAPE, MASE, skill, Theil's U2, direction
      ├── lag.py            Lag: by how many sessions the forecast trails the close
      ├── significance.py   Significance: Diebold-Mariano, Pesaran-Timmermann
      └── coverage.py       Coverage: how often the interval held the close, Kupiec's test
    verdict.py        the thresholds, and the figures in words with a closed set of codes
    wording.py        numbers as a sentence shows them
    diagnostics.py    diagnose(): all of the above, or "insufficient data"; to and from JSON
"""
