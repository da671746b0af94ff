"""Walk-forward accuracy of the product's forecasts against others'.

The folds, the baselines and the contest on common ground are the product's own (`forecaster.backtest`); here is what is
the benchmark's.

===============  ==================================================================
trial.py         prices of a file, the test span, its folds and outcomes
field.py         forecasters that run in an interpreter of their own, by the
                 scripts in `foreign/`
registered.py    all forecasters by name
running.py       asks a forecaster fold by fold
metrics.py       pure functions of forecasts and outcomes
scores.py        all metrics of all forecasters on the same symbol-sessions
targets.py       what is aimed at, and whether it was met
report.py        the walks put together
printed.py       the table for people
command.py       the command line
===============  ==================================================================
"""
