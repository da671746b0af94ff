"""Walk-forward accuracy of the product's forecasts against others'.

===============  ==================================================================
trial.py         prices, the test span, its origins and outcomes, blocks of refits
forecasts.py     what every forecaster gets and gives
naive.py ...     one forecaster a file; `field.py` asks those that run in an
                 interpreter of their own, by the scripts in `foreign/`
registered.py    all of them by name
running.py       asks a forecaster block by block
kept.py          forecasts on disk, used again while their inputs are the same
metrics.py       pure functions of forecasts and outcomes
scores.py        all metrics of all forecasters on the same symbol-sessions
targets.py       what is aimed at, and whether it was met
printed.py       the table for people
command.py       the command line
===============  ==================================================================
"""
