"""Pages to look at: self-contained HTML, no script, nothing loaded from anywhere.

=============  ==================================================================
`page`         the diagnostics: header, contents, a section a symbol, definitions
`section`      what the page says of one symbol
`badge`        a verdict's code as a small label
`figures`      the figures in words
`definitions`  how each of them is defined, and by whom
`charts`       the pictures of one symbol, each a pure function that returns an SVG
`calibration`  whether every interval holds what it says
`worst`        the days on which a model missed by most
`backtest/`    a contest of models: ranking, race, calibration, worst days
`gates`        a network at work on one window: what it depends on, its gates and states
`window`       the pictures of that
`heatmap`      tables of numbers as colours, one column a session
`document`     what all pages have
`svg`          what the pictures are drawn with: frames, axes, ticks, paths
`report.css`   the looks, light and dark
=============  ==================================================================
"""

from forecaster.report.gates import gates_html
from forecaster.report.page import report_html

__all__ = ["gates_html", "report_html"]
