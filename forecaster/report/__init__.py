"""The diagnostics as one page to look at: self-contained HTML, no script, nothing loaded from anywhere.

============  ==================================================================
`page`        header, contents, one section a symbol, definitions
`figures`     the figures in words, and how each is defined
`charts`      the pictures of one symbol, each a pure function that returns an SVG
`svg`         what the pictures are drawn with: frames, axes, ticks, paths
`report.css`  the looks, light and dark
============  ==================================================================
"""

from forecaster.report.page import report_html

__all__ = ["report_html"]
