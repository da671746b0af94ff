from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.forecaster.cli.conftest import Sample
from tests.forecaster.cli.program import Done, at_once, forecaster


def findings(done: Done) -> dict[str, list[dict[str, Any]]]:
    """By what was looked at; calendars depend on the day on which they are looked at, and are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in done.json:
        assert one.keys() == {"what", "status", "text"}
        assert one["status"] in ("ok", "note", "problem")
        found.setdefault(one["what"], []).append(one)
    assert {one["text"].partition(":")[0] for one in found.pop("calendar")} >= {"XNYS", "XSHG", "XHKG"}
    return found


@pytest.fixture(scope="module")
def asked(sample: Sample, empty_home: Path) -> dict[str, Done]:
    return at_once({"healthy": (sample.home, ["doctor", "--json"]), "empty": (empty_home, ["doctor"])})


def test_a_home_in_order(asked: dict[str, Done], sample: Sample) -> None:
    found = findings(asked["healthy"])
    assert not [one for several in found.values() for one in several if one["status"] == "problem"]
    assert found["home"][0]["text"] == str(sample.home)
    assert found["prices"][0]["text"] == "5 symbols, 12,154 bars, version 4, 2000-03-01 to 2013-03-01"
    assert found["prices"][1]["text"] == ("5 symbols lack the session that is due by now: AAPL, FB, GOOG, IBM, MSFT")
    assert found["champion"][0]["text"] == ("next-close version 1, trained through 2012-02-29, every file verified")
    assert found["training"][0]["status"] == "ok"


def test_exit_code_3_says_that_there_is_a_problem(asked: dict[str, Done]) -> None:
    healthy, empty = asked["healthy"], asked["empty"]
    assert healthy.code == (3 if any(one["status"] == "problem" for one in healthy.json) else 0)
    assert empty.code == 3
    assert "problem  prices     no prices in" in empty.out
    assert "problem  registry   the model next-close has no champion yet" in empty.out
    assert "Traceback" not in empty.err


def test_a_damaged_champion_is_a_problem(copied_home: Path) -> None:
    for file in copied_home.glob("registry/models/*/artifacts/bundle/evidence.parquet"):
        file.write_bytes(file.read_bytes()[:-1])
    done = forecaster(copied_home, "doctor", "--json")
    assert done.code == 3
    (registry,) = (one for one in findings(done)["registry"] if one["status"] == "problem")
    assert "evidence.parquet does not match its sha256" in registry["text"]


def test_rows_that_were_set_aside_are_noted(tmp_path: Path) -> None:
    (tmp_path / "aaa.csv").write_text(
        "Date,Open,High,Low,Close,Volume\n2024-01-02,10,11,9,10.5,1\n2024-01-03,10,9,11,10,1\n2024-01-04,10,9,11,10,1\n"
    )
    assert forecaster(tmp_path, "fetch", "--provider", "files", "--path", "aaa.csv").code == 0
    notes = [one["text"] for one in findings(forecaster(tmp_path, "doctor", "--json"))["prices"]]
    assert "2 rows are set aside: 2 x high_low_inconsistent" in notes
