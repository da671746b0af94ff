from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from forecaster.heartbeat import Heartbeat, HeartbeatFolder, State
from service.settings import ServiceSettings
from tests.deploy.files import DEPLOY, ROOT, compose, example, is_ours, parsed, settings_names, stage

DOCUMENT = compose()
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = ("service", "scheduler", "mlflow")
EVERY = pytest.mark.parametrize("name", SERVICES)

MIB = {"m": 1, "g": 1024}


def test_the_file_keeps_to_the_compose_specification() -> None:
    schema = json.loads(
        files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text("utf-8")
    )
    found = [f"{one.json_path}: {one.message}" for one in Draft7Validator(schema).iter_errors(DOCUMENT)]
    assert found == []


def test_there_are_the_service_the_schedule_the_registry_and_its_database() -> None:
    assert set(SERVICES) == {"service", "scheduler", "mlflow", "postgres"}


@EVERY
def test_nothing_runs_as_root_or_can_become_it(name: str) -> None:
    one = SERVICES[name]
    user, group = map(int, one["user"].split(":"))
    assert user > 0
    assert group > 0
    assert one["cap_drop"] == ["ALL"]
    assert "cap_add" not in one
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert not one.get("privileged")


@EVERY
def test_what_is_written_goes_to_a_named_volume_or_to_memory(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert any(entry.startswith("/tmp:") for entry in one["tmpfs"])
    assert all(":size=" in entry or ",size=" in entry for entry in one["tmpfs"])
    for volume in one["volumes"]:
        source, _, folder = volume.partition(":")
        assert source in DOCUMENT["volumes"]
        # In Debian's images a link, which Podman follows to the machine's own folder when it looks for the owner.
        assert not folder.startswith("/var/run/")


@EVERY
def test_everything_has_a_limit(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert 0 < float(limits["cpus"]) <= 2
    assert 256 <= int(limits["memory"][:-1]) * MIB[limits["memory"][-1]] <= 8192
    assert 0 < limits["pids"] <= 512


@EVERY
def test_everything_is_watched_and_started_again(name: str) -> None:
    one = SERVICES[name]
    assert one["restart"] == "unless-stopped"
    check = one["healthcheck"]
    assert check["test"][0] == "CMD"
    # What the image surely has: itself.
    assert check["test"][1] == ("pg_isready" if name == "postgres" else "python")


def test_the_schedule_is_healthy_as_long_as_its_heart_beats(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    beat = Heartbeat(name="next-close", host="here", pid=1, every=5, started=now, at=now, state=State.RUNNING)
    code = SERVICES["scheduler"]["healthcheck"]["test"][-1].replace("/var/lib/forecaster", str(tmp_path))
    check = [sys.executable, "-c", code]
    environment = {"PATH": os.environ["PATH"]}
    assert subprocess.run(check, env=environment, capture_output=True, check=False).returncode != 0  # never started
    HeartbeatFolder(tmp_path).write(beat)
    assert subprocess.run(check, env=environment, check=False).returncode == 0
    (file,) = (tmp_path / "schedule").glob("*.json")
    os.utime(file, (now.timestamp() - 300,) * 2)
    assert subprocess.run(check, env=environment, check=False).returncode == 1


def test_the_start_waits_for_what_it_needs_to_be_healthy() -> None:
    waits = {
        name: {other: how["condition"] for other, how in one.get("depends_on", {}).items()}
        for name, one in SERVICES.items()
    }
    healthy = "service_healthy"
    assert waits == {
        "service": {"mlflow": healthy},
        "scheduler": {"mlflow": healthy},
        "mlflow": {"postgres": healthy},
        "postgres": {},
    }


def test_secrets_are_files_and_in_no_environment() -> None:
    secrets = DOCUMENT["secrets"]
    assert {name: list(how) for name, how in secrets.items()} == {name: ["file"] for name in secrets}
    for one in SERVICES.values():
        for name, value in one["environment"].items():
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in one["secrets"]
            else:
                assert not re.search("password|token|keys?$|secret", name, re.IGNORECASE), name
                assert not re.search(r"//[^/]*:[^/]*@", str(value)), f"{name} holds a password"
    assert {name: one.get("secrets") for name, one in SERVICES.items()} == {
        "service": ["api_keys"],
        "scheduler": ["tushare_token"],
        "mlflow": ["database_password"],
        "postgres": ["database_password"],
    }


def test_only_the_service_is_published_and_to_this_machine() -> None:
    assert {name: one["ports"] for name, one in SERVICES.items() if "ports" in one} == {
        "service": ["127.0.0.1:8000:8000"]
    }


def test_the_database_is_reached_by_the_registry_alone_and_neither_reaches_out() -> None:
    members = {
        network: {name for name, one in SERVICES.items() if network in one["networks"]}
        for network in DOCUMENT["networks"]
    }
    assert members == {
        "outside": {"service", "scheduler"},
        "registry": {"service", "scheduler", "mlflow"},
        "database": {"mlflow", "postgres"},
    }
    assert [name for name, how in DOCUMENT["networks"].items() if not how.get("internal")] == ["outside"]


@pytest.mark.parametrize("name", OURS)
def test_an_image_is_a_stage_of_the_dockerfile_and_runs_as_its_user(name: str) -> None:
    one = SERVICES[name]
    target = one["build"]["target"]
    assert one["image"] == f"stock-forecaster:{target}"
    assert (DEPLOY / one["build"]["context"]).resolve() == ROOT
    instructions = stage(target)
    user = re.findall(r"^USER (\d+)$", instructions, re.MULTILINE)[-1]
    assert one["user"] == f"{user}:{user}"
    # A new volume takes its owner from the folder that the image has there.
    home = re.search(rf"useradd --system --uid {user} --home-dir (\S+) --create-home", instructions)
    assert home is not None
    assert [volume.partition(":")[2] for volume in one["volumes"]] == [home.group(1)]


@pytest.mark.parametrize("name", ["service", "scheduler"])
def test_a_command_line_is_one_that_the_program_takes(name: str) -> None:
    parsed(SERVICES[name]["command"])


def test_the_service_listens_where_it_is_published_and_looked_after() -> None:
    context = parsed(SERVICES["service"]["command"])
    assert context.params["host"] == "0.0.0.0"
    assert context.params["port"] == 8000
    assert ":8000/health/live" in SERVICES["service"]["healthcheck"]["test"][-1]


def test_settings_are_ones_that_the_program_has() -> None:
    named = {name for one in SERVICES.values() for name in one["environment"] if is_ours(name)}
    named |= {name for name in example() if is_ours(name)}
    assert "FORECASTER_API_KEYS_FILE" in named
    assert named <= settings_names()


def test_settings_of_the_example_are_ones_that_the_program_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**example(), **SERVICES["scheduler"]["environment"]}.items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings()
    assert settings.retrain.provider == "tushare"
    assert settings.schedule.exchanges == ("XSHG",)
    assert settings.tracking_uri == "http://mlflow:5000"


def test_what_the_example_sets_beside_is_what_the_file_asks_for() -> None:
    beside = {name for name in example() if not is_ours(name)}
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert beside <= asked
    assert asked - beside == {"SERVE_IMAGE", "TRAIN_IMAGE", "MLFLOW_IMAGE", "POSTGRES_IMAGE"}


def test_the_registry_answers_to_the_name_that_it_is_asked_by() -> None:
    asked = SERVICES["service"]["environment"]["MLFLOW_TRACKING_URI"]
    assert asked == SERVICES["scheduler"]["environment"]["MLFLOW_TRACKING_URI"]
    assert SERVICES["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"] == asked.removeprefix("http://")


def test_git_never_sees_a_secret() -> None:
    names = [f"deploy/secrets/{name}" for name in DOCUMENT["secrets"]] + ["deploy/.env"]
    done = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    if "not a git repository" in done.stderr:
        pytest.skip("not a git checkout")
    assert done.stdout.split() == names


def test_the_readme_of_the_secrets_names_every_one() -> None:
    text = (DEPLOY / "secrets" / "README.md").read_text(encoding="utf-8")
    for name in DOCUMENT["secrets"]:
        assert f"`{name}`" in text
        assert f"> secrets/{name}" in text
    for arguments in re.findall(r"stock-forecaster:serve (.*?)(?: +#|$)", text, re.MULTILINE):
        parsed(arguments.split())
