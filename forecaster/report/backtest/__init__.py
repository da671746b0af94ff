"""The page of a backtest: which model is best and how sure that is, then the pictures that show why.

::

    page          header, sections, definitions
    sections      each section: its pictures, and how to read them
    ranking       models with confidence intervals
    race          losses less the baseline's, added up
    fan           close and forecast with bands, of a few symbols
    panels        delay, calibration and coverage by quarter, a small picture a model
    worst         the sessions with the largest misses
    tables        all figures, verdicts, definitions
    facts         what the backtest was made of
    marks         what the pictures share
    ../backtest.css   their looks
"""

from forecaster.report.backtest.page import backtest_html

__all__ = ["backtest_html"]
