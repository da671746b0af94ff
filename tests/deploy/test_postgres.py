"""The registry as `deploy/` runs it: MLflow's server, started by the image's script, on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from forecaster.errors import RegistryUnavailable
from forecaster.registry import Registry
from forecaster.version import CHAMPION, Version
from tests.deploy.databases import PASSWORD, Database, free_port, postgres, programs
from tests.deploy.files import DEPLOY

BIN = programs()
pytestmark = pytest.mark.skipif(BIN is None, reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    assert BIN is not None
    with postgres(BIN) as found:
        yield found


@pytest.fixture(scope="module")
def passfile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("memory") / "pgpass"


@pytest.fixture(scope="module")
def server(
    database: Database, passfile: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGPASSFILE": str(passfile),
        "DATABASE_PASSWORD_FILE": str(database.folder / "password"),
        "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg://mlflow@127.0.0.1:{database.port}/mlflow",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": f"{port}",
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(DEPLOY / "mlflow" / "serve.sh"), "--serve-artifacts", "--workers", "1"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while not _answers(f"{address}/health"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield address, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(address: str, host: str | None = None) -> bool:
    try:
        with urlopen(Request(address, headers={"Host": host} if host else {}), timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _registered(registry: Registry, folder: Path, content: bytes) -> Version:
    folder.mkdir()
    (folder / "model.onnx").write_bytes(content)
    return registry.register(
        folder, params={"units": "4"}, metrics={"skill": 0.1}, curves={"loss": [0.2, 0.1]}, tags={"data_version": "7"}
    )


def test_versions_are_registered_promoted_fetched_and_gone_back_from(
    server: tuple[str, subprocess.Popen[bytes]], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Registry(server[0], tmp_path / "here", "next-close")
    first, second = (_registered(here, tmp_path / name, name.encode()) for name in ("first", "second"))
    here.promote(first)
    here.promote(second)

    # Another machine, which shares nothing with this one but the server.
    there = Registry(server[0], tmp_path / "there", "next-close")
    assert there.by_alias(CHAMPION).version == "2"
    assert (there.bundle_path(second) / "model.onnx").read_bytes() == b"second"
    assert there.data_versions() == {7}
    assert there.rollback().version == "1"
    assert here.by_alias(CHAMPION).version == "1"
    assert [one.rolled_back for one in here.versions()] == [True, False]
    assert (there.bundle_path(first) / "model.onnx").read_bytes() == b"first"

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # MLflow's own patience is its own affair
    database.stop()
    try:
        with pytest.raises(RegistryUnavailable):
            here.versions()
    finally:
        database.start()
    assert [one.version for one in here.versions()] == ["2", "1"]


def test_the_password_is_in_no_environment_and_its_file_is_closed(
    server: tuple[str, subprocess.Popen[bytes]], passfile: Path
) -> None:
    assert passfile.stat().st_mode & 0o777 == 0o600
    process = Path(f"/proc/{server[1].pid}")
    if not process.is_dir():
        pytest.skip("there is no /proc to look into")
    for shown in ("environ", "cmdline"):
        assert PASSWORD.encode() not in (process / shown).read_bytes()


def test_who_asks_by_another_name_is_refused(server: tuple[str, subprocess.Popen[bytes]]) -> None:
    asked = f"{server[0]}/api/2.0/mlflow/experiments/search?max_results=1"
    assert _answers(asked)
    assert not _answers(asked, host="elsewhere.example")
