from __future__ import annotations

import dataclasses

from forecaster.cli.figures import COLUMNS, row
from forecaster.diagnostics.diagnostics import diagnose, insufficient
from tests.forecaster.diagnostics.records import late, noisy


def test_a_row_of_figures() -> None:
    known = diagnose(noisy(1, 100), None)
    assert known.errors is not None
    assert known.coverage is not None
    shown = dict(zip(COLUMNS, row("AAPL", known), strict=True))
    assert (shown["symbol"], shown["sessions"], shown["verdict"]) == ("AAPL", "100", known.verdict.code.value)
    assert float(shown["skill vs naive"]) == round(known.errors.skill_vs_naive or 0.0, 4)
    assert shown["skill vs naive"][0] in "+-"
    assert float(shown["coverage"]) == round(known.coverage.observed, 3)


def test_no_probability_is_shown_as_nothing() -> None:
    known = diagnose(noisy(1, 100), None)
    assert known.significance is not None

    def shown(p: float) -> str:
        changed = dataclasses.replace(known, significance=dataclasses.replace(known.significance, dm_p_value=p))
        return dict(zip(COLUMNS, row("AAPL", changed), strict=True))["DM p"]

    assert [shown(p) for p in (0.0, 0.00049, 0.0006, 0.25)] == ["<0.001", "<0.001", "0.001", "0.250"]


def test_a_row_without_evidence_has_no_number() -> None:
    assert row("AAPL", insufficient(12)) == ("AAPL", "12", "-", "-", "-", "-", "-", "-", "insufficient_data")


def test_a_figure_that_is_undefined_is_a_dash() -> None:
    # A perfect echo equals the naive forecast in every session, so that nothing can be tested.
    known = diagnose(late(1, 100, 1), None)
    shown = dict(zip(COLUMNS, row("AAPL", known), strict=True))
    assert (shown["DM p"], shown["best lag"], shown["echo"]) == ("-", "1", "1.000")
