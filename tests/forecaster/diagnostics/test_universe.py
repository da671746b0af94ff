"""Many symbols at once; the diagnostics are made up, so that what must come out is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecaster.diagnostics.diagnostics import Diagnostics, diagnose, insufficient
from forecaster.diagnostics.universe import universe, universe_dict, universe_text
from forecaster.diagnostics.verdict import Verdict, VerdictCode
from tests.forecaster.diagnostics.records import noisy

BEATS, NO_BETTER = VerdictCode.BEATS_NAIVE, VerdictCode.NO_BETTER_THAN_NAIVE
MADE = diagnose(noisy(1, 60), None)


def judged(dm: float | None, p: float | None) -> Diagnostics:
    """Diagnostics with that Diebold-Mariano test."""
    assert MADE.significance is not None
    code = BEATS if dm is not None and p is not None and dm < 0 and p < 0.05 else NO_BETTER
    tests = replace(MADE.significance, diebold_mariano=dm, dm_p_value=p)
    return replace(MADE, significance=tests, verdict=Verdict(code, "", "", (code,)))


def evidence(days: int, symbols: int) -> pd.DataFrame:
    """Forecasts with a little knowledge, one row a symbol and day."""
    random = np.random.default_rng(5)
    n = days * symbols
    change = random.normal(0.0, 0.02, n)
    guess = 0.1 * change + random.normal(0.0, 0.01, n)
    origin = np.repeat(np.datetime64("2024-01-01") + np.arange(days), symbols)
    return pd.DataFrame(
        {"origin": origin, "previous_close": 50.0, "actual": 50 * (1 + change), "0.5": 50 * (1 + guess)}
    )


# One-sided 0.0001, 0.007, 0.02 and 0.0245, and six halves. The thresholds of Benjamini & Hochberg are 0.005 and 0.01
# for the two smallest of ten, and 0.015 and 0.02 for the next two: two remain.
MANY = {
    "A": judged(-4.0, 0.0002),
    "B": judged(-2.7, 0.014),
    "C": judged(-2.1, 0.04),
    "D": judged(-2.0, 0.049),
    **{f"E{k}": judged(0.0, 1.0) for k in range(6)},
    "UNTESTED": judged(None, None),
    "SHORT": insufficient(12),
}


def test_luck_is_taken_away() -> None:
    found = universe(MANY, evidence(10, 11))
    assert found is not None
    assert (found.judged, found.tested) == (11, 10)
    assert found.beat == ("A", "B", "C", "D")
    assert found.remaining == ("A", "B")
    assert found.cross_section is None
    assert universe_text(found) == (
        "4 of 11 symbols beat yesterday's close; 2 of them remain when 10 tests are allowed for (false discovery rate "
        "5 %)."
    )


def test_who_is_discovered_without_beating_is_not_counted() -> None:
    # Together even 0.04 on one side would be a discovery, but no verdict says so: 0.08 on both.
    found = universe({name: judged(-1.8, 0.08) for name in "ABCDE"}, evidence(10, 5))
    assert found is not None
    assert (found.beat, found.remaining) == ((), ())
    assert universe_text(found) == "0 of 5 symbols beat yesterday's close."


def test_one_is_singular() -> None:
    found = universe({"A": MANY["A"], "E": MANY["E0"]}, evidence(10, 2))
    assert found is not None
    assert universe_text(found).startswith(
        "1 of 2 symbols beats yesterday's close; 1 of them remains when 2 tests are allowed for"
    )


@pytest.mark.parametrize("few", [{}, {"A": MANY["A"]}, {"A": MANY["A"], "SHORT": MANY["SHORT"]}])
def test_of_one_symbol_there_is_nothing_to_add(few: dict[str, Diagnostics]) -> None:
    assert universe(few, evidence(10, 1)) is None
    assert universe_dict(None) is None


def test_the_cross_section_is_that_of_the_days() -> None:
    table = evidence(80, 6)
    found = universe(MANY, table)
    assert found is not None
    section = found.cross_section
    assert section is not None
    daily = [stats.spearmanr(own["0.5"], own["actual"]).statistic for _, own in table.groupby("origin")]
    assert (section.days, section.symbols) == (80, 6.0)
    assert section.rank_ic == pytest.approx(np.mean(daily), abs=1e-12)
    assert f"Across the 6 symbols of a session: IC {section.ic:.3f} (standard error " in universe_text(found)
    assert f"RankIC {np.mean(daily):.3f} (standard error " in universe_text(found)
    assert universe_text(found).endswith(f"ICIR {section.icir:.2f}, over 80 sessions.")
    as_json = universe_dict(found)
    assert as_json is not None
    assert as_json["text"] == universe_text(found)
    assert as_json["cross_section"]["rank_ic"] == section.rank_ic
    assert as_json["remaining"] == ["A", "B"]
