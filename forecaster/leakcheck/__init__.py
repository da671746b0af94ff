"""Does anything that is known at a session depend on what came later? The pipeline is run on other futures to see.

A number that looks ahead makes every backtest shine, and no statistic of the forecasts can tell. So the same bars are
given several futures after a cut session: none, other prices, reversed, other volumes, a split, suspensions, shares
that list later. All that the pipeline knows at the cut must come out alike, to the last bit, stage by stage:

::

    calendar -> adjusted prices -> features -> scaling -> windows -> training set -> calibration -> forecasts

The first stage that differs is the cause, and what rests on it is not looked at. Networks are not trained: a fixed
random projection stands in, since a network is a function of its window, and its weights one of the training set.

============  ==========================================================================================
`check`       `leakcheck()`: cuts x futures, and the report
`pipeline`    the functions of each stage, the product's own unless others are given
`futures`     what may come after a cut
`stages`      what a pipeline knows at a cut, as one or more tables a stage
`forecasting` the last of them: calibration and forecasts
`factors`     whether the bars themselves have factors from later
`spans`       whether the spans of a training set overlap
`tables`      such a table
`compare`     two tables, bit by bit, and where they differ
`standin`     the projection
`cuts`        where to cut
`report`      leaks in words, and what was compared
============  ==========================================================================================
"""

from forecaster.leakcheck.check import leakcheck
from forecaster.leakcheck.pipeline import Pipeline
from forecaster.leakcheck.report import Leak, Report

__all__ = ["Leak", "Pipeline", "Report", "leakcheck"]
