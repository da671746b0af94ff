"""The report for people: two aligned tables, what each forecaster counted, coverage by quarter, the targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .report import Line, Report

_POINT = (
    ("mae_ratio", "MAE/naive", 4),
    ("rmse_ratio", "RMSE/naive", 4),
    ("mae_ratio_log", "MAE log", 4),
    ("rmse_ratio_log", "RMSE log", 4),
    ("r2", "R2 oos", 4),
    ("direction", "direction", 4),
    ("ic", "IC", 4),
    ("rank_ic", "RankIC", 4),
    ("rank_ic_error", "(s.e. days)", 4),
    ("icir", "ICIR", 3),
)
_SPREAD = (
    ("pinball", "pinball", 6),
    ("pinball_ratio", "/GARCH-t", 4),
    ("coverage_50", "cover 50", 4),
    ("coverage_80", "cover 80", 4),
    ("coverage_90", "cover 90", 4),
    ("width_50", "width 50", 4),
    ("width_80", "width 80", 4),
    ("width_90", "width 90", 4),
)


def printed(report: Report) -> str:
    """The whole report as text."""
    parts = [
        report.head,
        "the median, against no change (errors relative to the last close, and of log returns)\n"
        + _table(report.lines, _POINT),
        "the quantiles (pinball and widths relative to the last close)\n"
        + _table(report.lines, _SPREAD, quarters=True),
        "90 % coverage by quarter\n" + _by_quarter(report.lines),
        "\n".join(_counted(line) for line in report.lines if line.seed is None),
    ]
    if report.absent:
        parts.append("\n".join(f"left out: {name}: {why}" for name, why in report.absent.items()))
    if report.targets:
        parts.append("\n".join(str(target) for target in report.targets))
    return "\n\n".join(parts)


def _table(lines: Sequence[Line], columns: Sequence[tuple[str, str, int]], *, quarters: bool = False) -> str:
    rows = [["", *(title for _, title, _ in columns), *(["90 % by quarter"] if quarters else [])]]
    for line in lines:
        cells = [_number(line.score.values.get(key, math.nan), digits) for key, _, digits in columns]
        rows.append([line.label, *cells, *([_extremes(line)] if quarters else [])])
        if line.errors is not None:
            cells = [_number(line.errors.get(key, math.nan), digits, "± ") for key, _, digits in columns]
            rows.append(["  s.e. over seeds", *cells, *([""] if quarters else [])])
    return _aligned(rows)


def _extremes(line: Line) -> str:
    judged = [quarter.coverage for quarter in line.score.quarters if quarter.judged]
    return f"{min(judged):.3f} to {max(judged):.3f}" if judged else "-"


def _by_quarter(lines: Sequence[Line]) -> str:
    shown = [line for line in lines if line.seed is None]
    rows = [["", *(quarter.name + ("" if quarter.judged else " (part)") for quarter in shown[0].score.quarters)]]
    rows += [[line.label, *(f"{quarter.coverage:.3f}" for quarter in line.score.quarters)] for line in shown]
    return _aligned(rows)


def _counted(line: Line) -> str:
    notes: Mapping[str, int] = {name: count for name, count in line.notes.items() if count}
    counts = ", ".join(f"{name}: {count:,}" for name, count in notes.items())
    return f"{line.label}: {line.forecasts:,} forecasts in {line.seconds:,.0f} s" + (f"; {counts}" if counts else "")


def _number(value: float, digits: int, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{sign}{value:.{digits}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
