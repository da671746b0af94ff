"""What the service and doctor say of the scheduler."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from forecaster.cli.doctor import doctor
from forecaster.heartbeat import Heartbeat, HeartbeatFolder, LastPass, MissedSession, Outcome, State
from service.app import create_app
from service.schemas.schedule import SCHEDULE, ScheduleAnswer
from tests.service.asking import FRIDAY, Clock, ask, settings
from tests.service.test_metrics import scrape


def beat(at: datetime, **changes: Any) -> Heartbeat:
    facts: dict[str, Any] = {"name": "next-close", "host": "north", "pid": 41, "every": 5, "started": at, "at": at}
    return Heartbeat(**{**facts, "state": State.IDLE, **changes})


def test_one_that_was_never_started_is_an_answer(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))
    response = ask(app, "/v1/schedule")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["liveness"], answer["heartbeat_age"], answer["heartbeat"]) == ("never started", None, None)
    assert not {name for name in scrape(app) if name.startswith("forecaster_schedule")}


def test_what_it_said_is_answered_and_measured(tmp_path: Path) -> None:
    clock = Clock()
    app = create_app(settings(tmp_path), clock=clock)
    last = LastPass(
        sessions={"XNYS": date(2013, 2, 28)},
        outcome=Outcome.FAILED,
        code=1,
        started=FRIDAY - timedelta(hours=2),
        finished=FRIDAY - timedelta(hours=1),
        detail="the pass ended with code 1: /srv/prices cannot be read",
    )
    said = beat(
        FRIDAY,
        state=State.RETRYING,
        sessions=last.sessions,
        next_due=FRIDAY + timedelta(minutes=40),
        retry_at=FRIDAY + timedelta(minutes=2),
        last=last,
        failures=3,
        missed=(MissedSession(exchange="XNYS", session=date(2013, 2, 27), reason="no scheduler ran"),),
        problem="no prices in /srv/prices",
    )
    HeartbeatFolder(tmp_path).write(said)
    clock.now += timedelta(seconds=20)
    response = ask(app, "/v1/schedule")
    answer = response.json()
    assert (answer["model"], answer["liveness"], answer["heartbeat_age"]) == ("next-close", "late", 20)
    told = answer["heartbeat"]
    assert (told["state"], told["sessions"]) == ("waiting for retry", {"XNYS": "2013-02-28"})
    assert (told["next_due"], told["retry_at"]) == ("2013-03-01T22:10:00Z", "2013-03-01T21:32:00Z")
    assert (told["last"]["outcome"], told["failures"]) == ("failed", 3)
    assert told["missed"] == [{"exchange": "XNYS", "session": "2013-02-27", "reason": "no scheduler ran"}]
    # Neither machines nor paths are for everyone who reads forecasts.
    assert "north" not in response.text
    assert "/srv" not in response.text
    samples = scrape(app)
    assert samples["forecaster_schedule_heartbeat_age_seconds"][()] == 20
    assert samples["forecaster_schedule_failures_in_a_row"][()] == 3


def test_the_documented_example_has_the_documented_shape() -> None:
    ScheduleAnswer.model_validate(SCHEDULE)


@pytest.mark.parametrize(
    ("changes", "status", "begins"),
    [
        ({}, "ok", "alive: idle; the next pass is due at"),
        ({"failures": 2}, "problem", "alive: idle"),
        ({"at": datetime(2024, 1, 1, tzinfo=UTC)}, "problem", "dead: it said nothing since 2024-01-01 00:00 UTC"),
    ],
    ids=["alive", "failing", "dead"],
)
def test_doctor_has_one_line(tmp_path: Path, changes: dict[str, Any], status: str, begins: str) -> None:
    now = datetime.now(UTC)
    HeartbeatFolder(tmp_path).write(beat(**{"at": now, "next_due": now + timedelta(hours=1), **changes}))
    # Without a registry, which takes seconds to make.
    here = {"FORECASTER_HOME": str(tmp_path), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/none/mlflow.db"}
    done = CliRunner().invoke(doctor, ["--json"], env=here)
    (found,) = [one for one in json.loads(done.stdout) if one["what"] == "schedule"]
    assert found["status"] == status
    assert found["text"].startswith(begins)
    assert "process 41 on north" in found["text"]
