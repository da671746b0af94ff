"""Trainings over REST. But for one, what trains is a script that does as it is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.auth import Scope, entry_of, new_key
from service.jobs.folder import JobFolder
from service.jobs.jobs import Jobs
from service.jobs.log import without_paths
from service.jobs.record import Job, State
from service.routes.jobs import known_jobs
from tests.service.asking import Clock, ask, assert_problem, loaded, settings

KEY = new_key()
KEYS = entry_of("ops", Scope.ADMIN, KEY)

# Says who it is and what it was given, then does what the file `told` holds: lines to print, and last its exit code.
SCRIPT = """
import json, os, sys, time
from pathlib import Path
here = Path(sys.argv[1])
who = {"pid": os.getpid(), "group": os.getpgid(0), "nice": os.nice(0)}
who |= {"arguments": sys.argv[2:], "env": dict(os.environ)}
(here / "draft").write_text(json.dumps(who))
(here / "draft").rename(here / "who")
until = time.monotonic() + 30
while not (here / "told").exists():
    assert time.monotonic() < until
    time.sleep(0.005)
*lines, code = (here / "told").read_text().splitlines()
print(*lines, sep="\\n")
sys.exit(int(code))
"""


class Training:
    """The script, as a test sees it."""

    def __init__(self, here: Path) -> None:
        self.here = here
        here.mkdir()
        (here / "script.py").write_text(SCRIPT)
        self.program = (sys.executable, str(here / "script.py"), str(here))

    def who(self) -> dict[str, Any]:
        wait_for(lambda: (self.here / "who").exists())
        found: dict[str, Any] = json.loads((self.here / "who").read_text())
        return found

    def tell(self, code: int, *lines: str) -> None:
        (self.here / "draft2").write_text("\n".join([*lines, str(code)]))
        (self.here / "draft2").rename(self.here / "told")

    def again(self) -> None:
        for name in ("who", "told"):
            (self.here / name).unlink(missing_ok=True)


def wait_for(done: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Training]:
    made = Training(tmp_path / "training")
    yield made
    with suppress(OSError):
        os.killpg(made.who()["group"], signal.SIGKILL) if (made.here / "who").exists() else None


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Jobs need neither prices nor a model."""
    return tmp_path / "home"


@pytest.fixture
def app(home: Path, training: Training) -> FastAPI:
    made = create_app(settings(home, api_keys=KEYS, max_batch=3), clock=Clock())
    where = settings(home, api_keys=KEYS, max_batch=3)
    made.dependency_overrides[known_jobs] = lambda: Jobs(where, lambda: datetime.now(UTC), training.program)
    return made


def get(app: FastAPI, path: str) -> httpx.Response:
    return ask(app, path, headers={"X-API-Key": KEY})


def post(app: FastAPI, **more: Any) -> httpx.Response:
    headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
    return ask(app, "/v1/jobs/retrain", "POST", headers=headers, **more)


def ended(app: FastAPI, path: str, seconds: float = 30) -> dict[str, Any]:
    wait_for(lambda: get(app, path).json()["state"] not in ("queued", "running"), seconds)
    found: dict[str, Any] = get(app, path).json()
    return found


def test_a_job_from_its_beginning_to_its_end(app: FastAPI, home: Path, training: Training) -> None:
    response = post(app, json={"symbols": ["AAPL", "600519.SH"], "settings": {"units": "[4, 2.0]", "cell": "gru"}})
    assert response.status_code == 202
    where = response.headers["location"]
    begun = response.json()
    assert where == f"/v1/jobs/{begun['id']}"
    assert begun["state"] in ("queued", "running")
    assert (begun["symbols"], begun["settings"]) == (["AAPL", "600519.SH"], {"units": [4, 2], "cell": "gru"})

    who = training.who()
    assert who["arguments"] == [
        *("--name", "next-close", "--set", "units=[4, 2]", "--set", 'cell="gru"', "--", "AAPL", "600519.SH")
    ]
    assert who["env"]["FORECASTER_HOME"] == str(home)
    assert "FORECASTER_API_KEYS" not in who["env"]
    assert who["nice"] >= 10
    assert who["group"] != os.getpgid(0)
    assert get(app, where).json()["state"] == "running"
    assert get(app, where).json()["finished"] is None

    training.tell(
        0,
        "reading prices",
        f"saved in {home}/registry/models, seen from {home}",
        "training: epoch 1 of at most 5, loss 0.2, validation 0.2, 9,811 windows/s",
        "training: epoch 2 of at most 5, loss 0.1, validation 0.2, 9,811 windows/s",
        "┃ symbol ┃",
        "next-close version 7 is now the challenger",
    )
    done = ended(app, where)
    assert (done["state"], done["version"], done["progress"]) == ("succeeded", "7", {"epoch": 2, "of": 5})
    assert done["detail"] == "next-close version 7 is the challenger now; promoting it lets it serve"
    assert done["created"] <= done["started"] <= done["finished"]
    assert done["log"][:2] == ["reading prices", "saved in …, seen from …"]
    assert "9,811 windows/s" in done["log"][2]
    assert len(done["log"]) == 5
    (listed,) = get(app, "/v1/jobs").json()["jobs"]
    assert listed == {name: value for name, value in done.items() if name not in ("symbols", "settings", "log")}


def test_one_at_a_time_whoever_starts_it(app: FastAPI, home: Path, training: Training) -> None:
    """Another process begins it and ends at once: the training goes on, and is everybody's."""
    begin = (
        "import sys\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from service.jobs.jobs import Jobs\nfrom service.settings import ServiceSettings\n"
        "jobs = Jobs(ServiceSettings(home=Path(sys.argv[1])), lambda: datetime.now(UTC), sys.argv[2:])\n"
        "print(jobs.retrain(None, None).id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", begin, str(home), *training.program], capture_output=True, text=True, check=True
    )
    name = done.stdout.strip()
    assert training.who()["arguments"][-1] == "--"
    assert get(app, f"/v1/jobs/{name}").json()["state"] == "running"
    refused = assert_problem(post(app), 409, "job-running")
    assert refused["job"] == name
    assert name in refused["detail"]
    training.tell(0)
    assert ended(app, f"/v1/jobs/{name}")["state"] == "succeeded"


def test_a_training_that_fails(app: FastAPI, home: Path, training: Training) -> None:
    training.tell(1, "training: epoch 1 of at most 5, loss nan", f"error: no room in {home}/registry")
    done = ended(app, post(app).headers["location"])
    assert (done["state"], done["detail"], done["version"]) == ("failed", "no room in …", None)
    assert done["progress"] == {"epoch": 1, "of": 5}
    training.again()
    where = post(app).headers["location"]
    os.kill(training.who()["pid"], signal.SIGKILL)
    done = ended(app, where)
    assert done["state"] == "failed"
    assert "SIGKILL" in done["detail"]


def test_a_job_whose_processes_are_gone_is_lost(app: FastAPI, home: Path, training: Training) -> None:
    where = post(app).headers["location"]
    os.killpg(training.who()["group"], signal.SIGKILL)
    lost = ended(app, where)
    assert (lost["state"], lost["finished"]) == ("lost", None)
    assert "goes on from its checkpoint" in lost["detail"]

    training.again()
    second = post(app)
    assert second.status_code == 202
    assert [one["state"] for one in get(app, "/v1/jobs").json()["jobs"]][1:] == ["lost"]
    training.tell(0)
    assert ended(app, second.headers["location"])["state"] == "succeeded"
    assert get(app, where).json()["state"] == "lost"


def test_a_training_whose_watcher_is_gone_still_runs(app: FastAPI, training: Training) -> None:
    where = post(app).headers["location"]
    watcher = training.who()["group"]  # the first of its session
    wait_for(lambda: get(app, where).json()["state"] == "running")
    os.kill(watcher, signal.SIGTERM)  # what a machine that goes down sends to all is for the training to follow
    os.kill(watcher, signal.SIGKILL)
    assert get(app, where).json()["state"] == "running"
    assert_problem(post(app), 409, "job-running")
    training.tell(0)
    assert ended(app, where)["state"] == "lost"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"symbols": []}, "1 to 3"),
        ({"symbols": ["A", "B", "C", "D"]}, "1 to 3"),
        ({"symbols": ["AAPL", "AAPL"]}, "once"),
        ({"symbols": ["--promote"]}, "malformed symbol"),
        ({"symbols": ["../etc/passwd"]}, "malformed symbol"),
        ({"symbols": ["AAPL.XX"]}, "unknown exchange"),
        ({"settings": {"units": "[0]"}}, "settings.units.0"),
        ({"settings": {"units": ["a"]}}, "settings.units.0"),
        ({"settings": {"epochs": -1}}, "settings.epochs"),
        ({"settings": {"dropout": float("nan")}}, "settings.dropout"),
        ({"settings": {"home": "/tmp"}}, "settings: expected names of"),
        ({"settings": {"cell": "; rm -rf /"}}, "settings.cell"),
        ({"settings": {"epochs": "5"}}, "settings.epochs"),
        ({"settings": {"epochs": True}}, "settings.epochs"),
        ({"settings": {"units": "[4"}}, "settings.units"),
        ({"settings": {"quantiles": [0.1, 0.5, 0.9]}}, "settings: expected names of"),
        ({"settings": {"features": ["nope"]}}, "settings.features"),
    ],
)
def test_what_cannot_be_trained(app: FastAPI, home: Path, body: dict[str, Any], said: str) -> None:
    document = assert_problem(post(app, content=json.dumps(body)), 422, "invalid-retraining")
    assert said in document["detail"]
    assert not home.exists()


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"symbols": "AAPL"},
        {"promote": True},
        {"settings": {"Units": 1}},
        {"settings": {"units=1;": 1}},
        {"settings": {"units": "[" * 201}},
        {"settings": {"units": {"a": 1}}},
        {"settings": {"units": [[1]]}},
    ],
)
def test_what_is_no_request(app: FastAPI, body: Any) -> None:
    assert_problem(post(app, json=body), 422, "invalid-request")


def test_nothing_given_trains_the_defaults(app: FastAPI, training: Training) -> None:
    training.tell(0)
    for more in ({}, {"json": {"symbols": None, "settings": None}}):
        response = post(app, **more)
        assert response.status_code == 202
        assert (response.json()["symbols"], response.json()["settings"]) == (None, {})
        assert ended(app, response.headers["location"])["state"] == "succeeded"


def test_an_installation_that_only_serves(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.jobs.request.find_spec", lambda name: None if name == "keras" else object())
    assert "stock-forecaster[train]" in assert_problem(post(app), 409, "cannot-train")["detail"]


def test_a_home_that_cannot_be_written(app: FastAPI, home: Path) -> None:
    home.write_text("")
    document = assert_problem(post(app), 503, "jobs-unavailable")
    assert str(home) not in document["detail"]
    assert get(app, "/v1/jobs").json() == {"jobs": []}


@pytest.mark.parametrize("name", ["x", "20130301T213000000000-abcdef", "..%2f..%2fetc", "retrain", "%00", "x" * 5000])
def test_unknown_jobs(app: FastAPI, name: str) -> None:
    response = get(app, f"/v1/jobs/{name}")
    assert response.status_code == 404
    assert "x" * 41 not in response.text


def test_the_newest_fifty_are_kept(home: Path) -> None:
    folder = JobFolder(home / "jobs")
    began = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    with folder.held():
        for n in range(60):
            at = began + timedelta(minutes=n)
            job = Job(
                id=f"{at:%Y%m%dT%H%M%S%f}-00000a",
                kind="retrain",
                model="next-close",
                symbols=None,
                settings={},
                state=State.RUNNING if n == 58 else State.SUCCEEDED,
                created=at,
            )
            folder.write(job)
            folder.log(job.id).write_text("done")
        folder.settle()
    (home / "jobs" / f"{folder.all()[0].id}.json").write_text("{")  # one that cannot be read hides no other
    kept = folder.all()
    # One place is for the job that is about to begin.
    assert [one.created for one in kept] == [began + timedelta(minutes=n) for n in range(58, 10, -1)]
    assert kept[0].state is State.LOST
    assert len(list((home / "jobs").glob("*.log"))) == 49


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the model in /srv/forecaster/registry is damaged: model.onnx", "the model in … is damaged: model.onnx"),
        ('File "/usr/lib/x.py", line 3', 'File "…", line 3'),
        ("at postgresql://me:secret@db/x does not", "at … does not"),
        ("in var/training/abc; wait", "in …; wait"),
        (r"in C:\Users\me\var", "in …"),
        ("in ~/var", "in …"),
        ("key forecaster_qcV35SEhIuLOqF4dtqHwiTVV8PKwNDa8j7tWB_L9KMk", "key …"),
        ("training: loss 0.25, 33,870 windows/s; 1.5/2", "training: loss 0.25, 33,870 windows/s; 1.5/2"),
    ],
)
def test_paths_stay_inside(text: str, shown: str) -> None:
    assert without_paths(text) == shown


def test_a_real_training(trained_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(trained_home, tmp_path / "real"))
    app = loaded(home, api_keys=KEYS)
    body = {"symbols": ["IBM"], "settings": {"units": "[2]", "lookback": 5, "epochs": 1}}
    where = post(app, json=body).headers["location"]
    try:
        done = ended(app, where, seconds=120)
    finally:
        log = (home / "jobs" / f"{Path(where).name}.log").read_text()
    assert done["state"] == "succeeded", log
    assert (done["version"], done["progress"]) == ("2", {"epoch": 1, "of": 1})
    versions = get(app, "/v1/models/next-close").json()["versions"]
    assert [(one["version"], one["aliases"]) for one in versions] == [("2", ["challenger"]), ("1", ["champion"])]
    assert get(app, "/v1/models/next-close/versions/2").json()["facts"]["spec"]["units"] == [2]
    assert str(tmp_path) not in "".join(done["log"])
