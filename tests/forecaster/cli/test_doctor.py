from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from data.sessions import Calendars
from data.store import PriceStore
from forecaster.cli.doctor import doctor
from forecaster.registry import Registry
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
    assert found["prices"][0]["text"] == "5 symbols, 12,154 bars, version 0, 2000-03-01 to 2013-03-01"
    assert found["prices"][1]["status"] == "note"
    assert found["prices"][1]["text"].startswith("stale in 5 symbols, such as AAPL: ")
    assert found["tushare"][0]["status"] == "note"
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


def test_a_run_that_has_not_ended_is_noted(copied_home: Path) -> None:
    registry = Registry(
        f"sqlite:///{copied_home / 'registry' / 'mlflow.db'}", copied_home / "registry" / "models", "next-close"
    )
    run = registry.begin(params={}, tags={})
    done = CliRunner().invoke(doctor, ["--json"], env={"FORECASTER_HOME": str(copied_home)})
    (noted,) = (one for one in json.loads(done.stdout) if one["what"] == "run")
    assert noted["status"] == "note"
    assert noted["text"].startswith(f"{run.id} began at ")
    assert noted["text"].endswith("it is at work, or was killed: the same training goes on with it")


def test_rows_that_were_set_aside_are_noted(tmp_path: Path) -> None:
    (tmp_path / "aaa.csv").write_text(
        "Date,Open,High,Low,Close,Volume\n2024-01-02,10,11,9,10.5,1\n2024-01-03,10,9,11,10,1\n2024-01-04,10,9,11,10,1\n"
    )
    assert forecaster(tmp_path, "fetch", "--provider", "files", "--path", "aaa.csv").code == 0
    notes = [one["text"] for one in findings(forecaster(tmp_path, "doctor", "--json"))["prices"]]
    assert "2 rows are set aside: 2 x high_low_inconsistent" in notes


def calendar_lines(home: Path, monkeypatch: pytest.MonkeyPatch, known: pd.DataFrame) -> list[tuple[str, str]]:
    """Status and text about Shanghai, of a store that knows a provider's trade calendar."""
    monkeypatch.setattr(PriceStore, "calendars", lambda self: Calendars(known))
    monkeypatch.chdir(home)
    done = CliRunner().invoke(doctor, ["--json"], env={"FORECASTER_HOME": str(home)})
    lines = [one for one in json.loads(done.stdout) if one["what"] == "calendar" and one["text"].startswith("XSHG")]
    return [(one["status"], one["text"]) for one in lines]


def told(first: datetime, last: datetime) -> pd.DataFrame:
    """Every day a session, weekends included."""
    days = pd.date_range(first.date(), last.date())
    return pd.DataFrame({"exchange": "XSHG", "day": days, "is_open": True})


def test_a_providers_days_lengthen_the_calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Calendars().exchange("XSHG").last
    day_after = datetime(library.year, library.month, library.day, tzinfo=UTC) + timedelta(days=1)
    far = max(day_after, datetime.now(UTC)) + timedelta(days=400)
    assert calendar_lines(tmp_path, monkeypatch, told(day_after, far)) == [
        ("ok", f"XSHG: trading days known from 1990-12-03 to {far:%Y-%m-%d}")
    ]


def test_a_calendar_that_ends_soon_is_a_problem_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.sessions.LAST_DAY", datetime.now(UTC).date() + timedelta(days=10))
    ((status, text),) = calendar_lines(tmp_path, monkeypatch, told(datetime(2020, 1, 2), datetime(2020, 1, 3)))
    assert status == "problem"
    assert text.startswith("XSHG: trading days known from 1990-12-03 to ")
    assert "install a newer exchange_calendars" in text
    assert "forecaster fetch --provider tushare" in text


def test_days_that_a_provider_tells_otherwise_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Shanghai traded on Wednesday 22 and Thursday 23 January 2020; then came the Spring Festival.
    known = told(datetime(2020, 1, 22), datetime(2020, 1, 27))
    note = calendar_lines(tmp_path, monkeypatch, known)[1]
    assert note == (
        "note",
        "XSHG: known days on which the provider's trade calendar disagrees: 4, the latest 2020-01-25, 2020-01-26, "
        "2020-01-27; exchange_calendars counts",
    )
