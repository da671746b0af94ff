from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecaster.promotion.decisions import Decided, Decisions, Forced
from forecaster.promotion.errors import CorruptDecision
from forecaster.promotion.gate import decide
from forecaster.promotion.thresholds import Thresholds
from forecaster.version import Version
from tests.forecaster.promotion.evident import GOOD

AT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
FIRST = Decided("next-close", "4", AT, "pass next-close/2026-11-20", GOOD, Thresholds(), decide(GOOD, Thresholds()))


def version(number: str, run: str = "") -> Version:
    return Version("next-close", number, (), AT, {}, run)


def test_decisions_are_kept_with_their_evidence(tmp_path: Path) -> None:
    kept = Decisions(tmp_path)
    assert kept.all("next-close") == []
    poor = replace(GOOD, challenger="5", leaks=2, coverage=None)
    second = replace(
        FIRST,
        version="5",
        at=AT + timedelta(seconds=1),
        evidence=poor,
        decision=decide(poor, Thresholds()),
        forced=Forced("an operator", "the old one answers nonsense"),
    )
    for one in (second, FIRST):
        kept.write(one)
    assert kept.all("next-close") == [FIRST, second]
    assert kept.about(version("5")) == [second]
    assert kept.all("another") == []


def test_a_later_decision_about_a_version_stands_beside_the_earlier(tmp_path: Path) -> None:
    kept = Decisions(tmp_path)
    again = replace(FIRST, at=AT + timedelta(days=1))
    for one in (again, FIRST):
        kept.write(one)
    assert kept.about(version("4")) == [FIRST, again]


def test_a_version_of_the_same_number_in_another_registry_is_another(tmp_path: Path) -> None:
    kept = Decisions(tmp_path)
    of_run = replace(FIRST, run="a" * 32, at=AT + timedelta(days=1))
    for one in (of_run, FIRST):
        kept.write(one)
    assert kept.about(version("4", run="a" * 32)) == [FIRST, of_run]
    assert kept.about(version("4", run="b" * 32)) == [FIRST]  # whose run nobody wrote down


def test_what_is_no_decision_is_told_apart(tmp_path: Path) -> None:
    kept = Decisions(tmp_path)
    file = kept.write(FIRST)
    (file.parent / "notes.json").write_text("{}", encoding="utf-8")
    assert kept.all("next-close") == [FIRST]
    file.write_text('{"schema": 2}', encoding="utf-8")
    with pytest.raises(CorruptDecision, match="of schema 2, and this version reads 1"):
        kept.all("next-close")
    file.write_text('{"schema": 1}', encoding="utf-8")
    with pytest.raises(CorruptDecision, match="not a decision"):
        kept.all("next-close")
