"""How wrong and how late forecasts have been, and whether they beat "same as yesterday".

Pure functions; no clock, no file, no state. Every figure is computed on a block of symbols with equally many sessions;
one record is a block of one.

::

    record.py, table.py, block.py    one symbol's forecasts with what came; many as a table; as arrays
      ├── errors.py                  Errors: MAE, RMSE, MASE, skill, Theil's U2, R2, direction, pinball loss
      ├── pinball.py, naive.py       that loss, and the quantiles of the naive forecast
      ├── bias.py                    Bias: mean error, Mincer-Zarnowitz
      ├── lag.py                     Lag: by how many sessions the forecast trails the close
      ├── significance.py            Significance: Diebold-Mariano on three losses, Pesaran-Timmermann
      └── coverage.py                Coverage: how often the intervals held, Kupiec's and Christoffersen's tests
    reasons.py, verdict.py           the closed set of codes, the thresholds, and which of them hold
    sentences_en.py, sentences_zh.py the same in words; wording.py: numbers as a sentence shows them
    diagnostics.py, many.py          diagnose(), diagnose_many(): all of the above, or "insufficient data"; JSON
    universe.py                      many symbols at once: who beats naive, what luck leaves over
      ├── multiple.py                Benjamini-Hochberg
      └── ranks.py                   IC, RankIC, ICIR with honest errors
    drift.py                         inputs and errors, recent against reference
    long_run.py                      Newey-West: the variance of a mean over sessions that are not independent
"""
