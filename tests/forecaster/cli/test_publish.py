"""`forecaster publish` on the sample prices, which end with Friday, 2013-03-01."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from deltalake import DeltaTable

from data.clock import SystemClock
from data.store import PriceStore
from forecaster.cli.diagnose import diagnose
from forecaster.cli.doctor import doctor
from forecaster.cli.predict import predict
from forecaster.cli.publish import publish_command
from forecaster.ledger.table import Ledger
from tests.data.tables import checked, closes
from tests.forecaster.cli.conftest import Sample

SYMBOLS = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
IN_TIME = datetime(2013, 3, 2, 12, 0, tzinfo=UTC)
TOO_LATE = datetime(2013, 3, 4, 14, 30, tzinfo=UTC)

Run = Callable[..., Result]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def at(sample: Sample, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command at a moment of one's choice, on the sample's prices and models and a ledger of its own."""
    monkeypatch.chdir(sample.home)
    environment = {"FORECASTER_HOME": str(sample.home), "FORECASTER_LEDGER": ledger.uri}

    def run(now: datetime, *arguments: str, command: Any = publish_command) -> Result:
        monkeypatch.setattr(SystemClock, "now", lambda self: now)
        return CliRunner().invoke(command, list(arguments), env=environment, catch_exceptions=False)

    return run


def test_in_time_everything_is_published_once(at: Run, ledger: Ledger) -> None:
    first = at(IN_TIME, "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert told == {
        "model": {"name": "next-close", "version": "1"},
        "ledger": ledger.uri,
        "now": "2013-03-02T12:00:00+00:00",
        "published": 5,
        "already": 0,
        "too_late": 0,
        "refused": [],
        "unable": {},
    }
    held = ledger.read()
    assert held["symbol"].tolist() == SYMBOLS
    assert set(held["target_session"].dt.strftime("%Y-%m-%d")) == {"2013-03-04"}
    assert held["data_version"].tolist() == [0] * 5
    row = DeltaTable(ledger.uri).to_pyarrow_table().to_pylist()[0]
    assert row["trained_through"].isoformat() == "2012-02-29"
    assert row["opens_at"] == TOO_LATE
    assert len(row["run_id"]) == 32
    # What predict answers is what was published.
    answers = json.loads(at(IN_TIME, "AAPL", "--json", command=predict).stdout)["forecasts"]
    quantiles = answers[0]["forecast"]["quantiles"]
    assert held.loc[0, list(quantiles)].to_dict() == pytest.approx(quantiles, rel=1e-12)
    # Again, also by another version, and when the session has opened.
    for now, arguments, unable in ((IN_TIME, (), []), (IN_TIME, ("--version", "2"), ["FB"]), (TOO_LATE, (), [])):
        again = at(now, *arguments, "--json")
        # Version 2 does not know FB: that is no failure where all that is stored was asked for.
        assert again.exit_code == 0
        told = json.loads(again.stdout)
        assert (told["published"], told["already"], list(told["unable"])) == (0, 5 - len(unable), unable)
    assert at(IN_TIME, "AAPL", "FB", "--version", "2").exit_code == 3
    assert ledger.read().equals(held)
    assert "5 were there before, 0 refused" in at(IN_TIME).stdout


def test_what_is_too_late_is_refused_by_name(at: Run, ledger: Ledger) -> None:
    assert at(IN_TIME, "AAPL").exit_code == 0
    late = at(TOO_LATE)
    assert late.exit_code == 3
    assert late.stdout.splitlines() == [
        "next-close version 1 for 2013-03-04: 0 published, 1 were there before, 4 refused, 0 cannot be forecast"
    ]
    assert "refused: IBM: the session of 2013-03-04 opened at 2013-03-04 14:30 UTC" in late.stderr
    told = json.loads(at(TOO_LATE, "FB", "--json").stdout)
    assert told["too_late"] == 1
    assert told["refused"][0]["symbol"] == "FB"
    assert told["refused"][0]["target_session"] == "2013-03-04"
    assert told["refused"][0]["reason"] == "too_late"
    assert ledger.read()["symbol"].tolist() == ["AAPL"]


def test_shares_that_rest_are_no_failure_unless_they_were_named(
    at: Run, ledger: Ledger, copied_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All but one stop trading on Friday.
    PriceStore(copied_home / "prices").upsert(checked(closes([431.0], symbol="AAPL", first="2013-03-04")))
    monkeypatch.chdir(copied_home)
    environment = {"FORECASTER_HOME": str(copied_home), "FORECASTER_LEDGER": ledger.uri}
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime(2013, 3, 5, 12, 0, tzinfo=UTC))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(publish_command, list(arguments), env=environment, catch_exceptions=False)

    everything = run()
    assert everything.exit_code == 0, everything.output
    assert everything.stdout.splitlines() == [
        "next-close version 1 for 2013-03-05: 1 published, 0 were there before, 0 refused, 4 cannot be forecast"
    ]
    assert "IBM: no bar since 2013-03-01, though others traded on 2013-03-04" in everything.stderr
    named = run("AAPL", "IBM")
    assert named.exit_code == 3
    assert "refused: IBM: the session of 2013-03-04 opened at 2013-03-04 14:30 UTC" in named.stderr


def test_a_symbol_that_is_not_stored_is_an_error(at: Run, ledger: Ledger) -> None:
    assert at(IN_TIME, "ZZZ").exit_code == 1
    assert at(IN_TIME, "aapl").exit_code == 2
    assert ledger.version() is None


def test_another_publisher_is_waited_for_only_on_demand(at: Run, ledger: Ledger) -> None:
    with ledger.writing():
        busy = at(IN_TIME, "AAPL", "--json")
    assert busy.exit_code == 1
    assert json.loads(busy.stdout)["error"]["type"] == "StoreBusy"


def test_the_doctor_looks_at_the_ledger(at: Run, ledger: Ledger) -> None:
    def lines() -> list[tuple[str, str]]:
        found = json.loads(at(IN_TIME, "--json", command=doctor).stdout)
        return [(one["status"], one["text"]) for one in found if one["what"] == "ledger"]

    assert lines() == [("note", f"no forecasts published in {ledger.uri} yet: forecaster publish")]
    at(IN_TIME)
    (published,) = lines()
    text = "next-close: 5 forecasts of 5 symbols, published since 2013-03-02, the newest for 2013-03-04"
    assert published == ("ok", text)
    DeltaTable(ledger.uri).alter.set_table_properties({"delta.appendOnly": "false"})
    assert [status for status, _ in lines()] == ["ok", "problem"]
    (Path(ledger.uri) / "_delta_log" / f"{0:020}.json").write_text("{", encoding="utf-8")
    ((status, text),) = lines()
    assert status == "problem"
    assert text.startswith("the ledger of published forecasts in ")


def test_the_live_record_is_shown_apart(at: Run) -> None:
    before = at(IN_TIME, "--live", command=diagnose)
    assert before.exit_code == 0
    assert before.stdout == "nothing was published under next-close yet: forecaster publish\n"
    assert at(IN_TIME, "AAPL", "IBM").exit_code == 0
    told = json.loads(at(IN_TIME, "--live", "--json", command=diagnose).stdout)
    assert told["model"] == {"name": "next-close"}
    assert set(told["live"]) == {"AAPL", "IBM"}
    live = told["live"]["AAPL"]
    assert (live["since"], live["versions"]) == ("2013-03-02T12:00:00+00:00", ["1"])
    assert (live["published"], live["pending"], live["restated"]) == (1, 1, 0)
    # The sample ends before the session that was forecast, so nothing is known yet, and nothing is borrowed.
    assert live["verdict"]["code"] == "insufficient_data"
    assert live["errors"] == {"status": "insufficient data", "needed": 60, "sessions": 0}
    shown = at(IN_TIME, "IBM", "--live", command=diagnose)
    assert "IBM: insufficient data: 0 sessions, at least 60 are needed. Published by version 1." in shown.stdout
    unknown = at(IN_TIME, "FB", "--live", command=diagnose)
    assert unknown.exit_code == 1
    assert "nothing was published of FB under next-close, but of 2 symbols (AAPL, IBM)" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--live", "--drift"), "expected one of them"),
        (("--live", "--version", "1"), "whichever version spoke"),
        (("--drift", "AAPL"), "expected no symbols"),
        (("--drift", "--report", "page.html"), "about the held-out span"),
    ],
)
def test_what_contradicts_itself_is_wrong_usage(at: Run, arguments: tuple[str, ...], reason: str) -> None:
    done = at(IN_TIME, *arguments, command=diagnose)
    assert done.exit_code == 2
    assert reason in done.stderr


def test_the_drift_of_the_champion(at: Run) -> None:
    told = json.loads(at(IN_TIME, "--drift", "--json", command=diagnose).stdout)
    assert told["model"] == {"name": "next-close", "version": "1"}
    drift = told["drift"]
    assert drift["through"] == "2013-03-01"
    assert drift["recent"]["sessions"] == 60
    assert drift["recent"]["last"] == "2013-03-01"
    assert drift["errors"] is None  # the held-out span reaches to the end of the prices
    assert len(drift["features"]) == 22
    shown = at(IN_TIME, "--drift", command=diagnose).stdout
    assert "insufficient data, for too few sessions have come since the held-out span" in shown
