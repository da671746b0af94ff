"""The sections of a backtest's page, each a pure function of what was seen that returns HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from forecaster.backtest.figures import Figures, Summary
from forecaster.backtest.panel import Panel
from forecaster.backtest.scores import Losses
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.verdict import ECHO
from forecaster.diagnostics.wording import sessions, share
from forecaster.report.backtest import panels
from forecaster.report.backtest.fan import STORIES, fan, stories, title
from forecaster.report.backtest.marks import swatch, usual
from forecaster.report.backtest.race import race
from forecaster.report.backtest.ranking import ranking
from forecaster.report.backtest.tables import point_table, spread_table, verdict_table
from forecaster.report.backtest.worst import MODELS, worst_days, worst_table
from forecaster.report.charts import NARROW, WIDE
from forecaster.report.document import figure


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the pictures are drawn from.

    Attributes:
        summary: of the backtest.
        figures: those of each model, the best first.
        panel: what was forecast.
        losses, colours: of each model; the class that gives it its colour.
    """

    summary: Summary
    figures: Mapping[str, Figures]
    panel: Panel
    losses: Mapping[str, Losses]
    colours: Mapping[str, str]

    @property
    def baseline(self) -> str:
        """What the others are compared with."""
        return self.summary.baseline

    @property
    def best(self) -> str:
        """The first of the ranking that is not the baseline; the baseline where there is nothing else."""
        return next((name for name in self.figures if name != self.baseline), self.baseline)


def ranking_part(seen: Seen) -> str:
    """Models with confidence intervals, and all their figures."""
    drawings = [ranking(seen.summary, seen.colours, canvas) for canvas in (WIDE, NARROW)]
    picture = figure(
        "large",
        "Ranking, with confidence",
        drawings,
        f"Each dot: a model's mean pinball loss, with that of {escape(seen.baseline)} as 1; each bar: its 95 % "
        "confidence interval. <strong>Filled dots may be the best model</strong>, by the model confidence set; hollow "
        "ones are not. A model that is out of all proportion is an arrow at the edge.",
    )
    return part(
        "ranking",
        "Which model is best",
        picture + point_table(seen.summary, seen.colours) + spread_table(seen.summary, seen.colours),
    )


def verdict_part(summary: Summary, colour: Mapping[str, str]) -> str:
    """What is to be said of each model."""
    return part("verdicts", "Verdicts", verdict_table(summary, colour))


def race_part(seen: Seen) -> str:
    """Losses less the baseline's over time; nothing where there is only the baseline."""
    kinds = (
        ("absolute", "Misses of the point forecast, added up", "Mean absolute error of the median"),
        ("pinball", "Losses of the whole distribution, added up", "Mean pinball loss of the quantiles"),
    )
    if seen.best == seen.baseline:
        return ""
    pictures = ""
    for kind, name, loss in kinds:
        totals = {model: _added_up(seen, model, kind) for model in seen.figures if model != seen.baseline}
        same = [model for model, total in totals.items() if np.abs(total).max() < 1e-9]
        drawn = {model: total for model, total in totals.items() if model not in same}
        without = f" No line: {escape(', '.join(same))}, the same as {escape(seen.baseline)} in every session." * bool(
            same
        )
        drawings = (
            [
                race(seen.panel.sessions, drawn, seen.colours, canvas, loss=loss, baseline=seen.baseline)
                for canvas in (WIDE, NARROW)
            ]
            if drawn
            else []
        )
        caption = (
            f"{loss}, less that of {escape(seen.baseline)}, added up session by session, in percent of the price. "
            "Where a line falls, that model is the better one; a steady slope is skill, a step is one lucky day. Of a "
            f"line that leaves the picture, the label says where it ends.{escape(without)}"
        )
        pictures += figure("large", name, drawings, caption)
    return part("race", f"Better than {seen.baseline}, and when", pictures)


def _added_up(seen: Seen, model: str, kind: str) -> Floats:
    """`(T + 1,)` percent of the last close."""
    own, other = getattr(seen.losses[model], kind), getattr(seen.losses[seen.baseline], kind)
    daily = seen.panel.by_session(own - other) / seen.panel.count
    return np.concatenate([[0.0], 100.0 * np.cumsum(daily)])


def story_part(seen: Seen, asked: Sequence[str]) -> str:
    """Close and forecast of a few symbols."""
    told = stories(seen.panel, seen.best, seen.losses[seen.best], seen.losses[seen.baseline], asked)
    drawn = told[:STORIES]
    if any(name in seen.panel.symbols for name in asked):
        why = "The symbols that were asked for." if len(told) == len(drawn) else f"The first {STORIES} asked for."
    elif len(seen.panel.symbols) > len(drawn) and seen.best == seen.baseline:
        why = f"Three of {len(seen.panel.symbols):,} symbols, evenly spread over their names."
    elif len(seen.panel.symbols) > len(drawn):
        why = (
            f"Chosen by a rule, not by looks: of all {len(seen.panel.symbols):,} symbols ordered by the error of "
            f"{seen.best} relative to {seen.baseline}, those at the lower quartile, the middle and the upper quartile."
        )
    else:
        why = "All symbols." if len(drawn) > 1 else "The only symbol."
    pictures = "".join(
        figure(
            "large",
            title(one, seen.baseline),
            [fan(one, canvas) for canvas in (WIDE, NARROW)],
            f"Adjusted prices of the last {sessions(one.session.size)}; each forecast was made at the close before.",
        )
        for one in drawn
    )
    lead = (
        f"<p>What {escape(seen.best)} said, and what came. {escape(why)} A forecast line that looks like the close's "
        "moved to the right by one session says no more than the last close does.</p>"
    )
    return part("stories", "Close and forecast", lead + pictures)


def delay_part(seen: Seen) -> str:
    """The correlogram of each model."""
    lead = (
        "<p>How alike the forecast's changes from session to session are to the close's of so many sessions before. "
        "Bars: the median over symbols; lines: the middle half of symbols; the highest bar is blue. A bar at 0 knows "
        "what is to come. <strong>A bar at 1 repeats yesterday</strong> (an echo from the dashed line on, "
        f"{ECHO:g}), as any forecast must that expects small changes: whether what it adds is worth anything, the "
        "losses above tell.</p>"
    )
    drawn = [(name, panels.delay(name, figures.lag)) for name, figures in seen.figures.items()]
    return part("delay", "How late", lead + _panels(seen, drawn))


def calibration_part(seen: Seen) -> str:
    """What each quantile promised and kept, and where closes fell among the best model's."""
    reach = _rounded_up(usual([panels.off_by(one.levels) for one in seen.figures.values()]) * 1.05)
    lead = (
        "<p>A quantile of 5 % promises that 5 % of closes come out below it. Dots: how many percentage points more "
        "(above zero) or fewer did; lines: 95 % confidence intervals; filled dots: surely off. Below "
        "zero on the left and above on the right: the distribution is too wide; the other way round: too narrow. What "
        "is off the scale lies at its edge.</p>"
    )
    drawn = [(name, panels.calibration(name, figures.levels, reach)) for name, figures in seen.figures.items()]
    histogram = figure(
        "half",
        f"Where closes fell: {seen.best}",
        [panels.pit(seen.best, seen.figures[seen.best].levels)],
        "Closes between neighbouring quantiles, by as many as were promised (a histogram of the probability integral "
        "transform). All bars at 1: the distribution is right. High in the middle: too wide; high at the ends: too "
        "narrow; rising or falling: off to one side.",
    )
    return part("calibration", "Do the quantiles keep their promise", lead + _panels(seen, drawn) + histogram)


def quarter_part(seen: Seen) -> str:
    """The widest interval by quarter; nothing where there is none."""
    found = {name: figures for name, figures in seen.figures.items() if figures.intervals}
    if not found:
        return ""
    level = next(iter(found.values())).intervals[-1].level
    shares = [
        100.0 * end
        for figures in found.values()
        for one in figures.quarters
        for end in one.coverage.interval or (one.coverage.value,)
        if end is not None
    ]
    # A model that fails altogether would press all others into one line.
    reach = usual([abs(end - 100.0 * level) for end in shares], times=6.0)
    low = min(100.0 * level - 5.0, max(min(shares, default=100.0), 100.0 * level - reach))
    span = (max(low - 1.0, 0.0), 100.0)
    lead = (
        f"<p>Share of closes inside the {share(level)} interval in each calendar quarter, with 95 % confidence "
        "intervals; filled: surely off; dashed: too few sessions to judge. An interval that holds on average may fail "
        "whenever the market turns.</p>"
    )
    drawn = [(name, panels.by_quarter(name, figures.quarters, level, span)) for name, figures in found.items()]
    return part("quarters", "Does the interval hold in every quarter", lead + _panels(seen, drawn))


def worst_part(seen: Seen) -> str:
    """The sessions with the largest misses."""
    first = [name for name in seen.figures if name != seen.baseline][:MODELS]
    models = [*first, seen.baseline]
    intervals = seen.figures[models[0]].intervals
    lead = (
        f"<p>The sessions with the largest mean miss of {escape(models[0])}, and what the models had said at the close "
        "before.</p>"
    )
    body = worst_table(worst_days(seen.panel, models, seen.losses), intervals[-1].level if intervals else None)
    return part("worst", "Worst days", lead + body)


def part(name: str, title: str, body: str) -> str:
    """A section of the page. `body` is HTML."""
    head = (
        f"<section id='{name}' class='part' aria-labelledby='{name}-title'>\n<h2 id='{name}-title'>{escape(title)}</h2>"
    )
    return f"{head}\n{body}</section>"


def _panels(seen: Seen, drawn: Sequence[tuple[str, str]]) -> str:
    inside = "".join(f"<div><h4>{swatch(seen.colours[name])}{escape(name)}</h4>\n{one}</div>\n" for name, one in drawn)
    return f"<div class='panels'>\n{inside}</div>\n"


def _rounded_up(points: float) -> float:
    """The next round number of percentage points, at least 2."""
    return next(
        size for size in (2.0, 4.0, 5.0, 8.0, 10.0, 15.0, 20.0, 40.0, 60.0, 100.0) if size >= min(points, 100.0)
    )
