"""Folds and symbols on a cluster of two nodes that runs already, of which one is lost half-way.

For minutes, as root, and with ray and distributed installed; so they run where they are asked for:

    CLUSTER_TESTS=1 pytest tests/forecaster/backtest/test_cluster.py
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.forecaster.backtest.nodes import Node, two_nodes, until
from tests.forecaster.backtest.test_engines import TINY

pytestmark = pytest.mark.skipif(
    os.environ.get("CLUSTER_TESTS") != "1",
    reason="two nodes in network namespaces need root and minutes: CLUSTER_TESTS=1 runs them",
)

ROOT = Path(__file__).parents[3]
PORTS = {"ray": 6379, "dask": 8786}
SECONDS = 600.0


@dataclass(frozen=True)
class Cluster:
    """One that runs on two nodes, with one core each."""

    engine: str
    nodes: tuple[Node, Node]
    env: dict[str, str]
    folder: Path

    @property
    def how(self) -> tuple[str, ...]:
        scheme = "tcp://" if self.engine == "dask" else ""
        return ("--engine", self.engine, "--address", f"{scheme}{self.nodes[0].address}:{PORTS[self.engine]}")

    def ask(self, home: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """`forecaster ARGUMENTS` on the first node, with a relative home, and workers that stand elsewhere."""
        program = [sys.executable, "-m", "forecaster.cli.main", *arguments, *self.how, "--json"]
        env = {**self.env, "FORECASTER_HOME": home.name}
        with (self.folder / f"{arguments[0]}.out").open("wb") as out, (self.folder / "asked.err").open("wb") as err:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.nodes[0].name, *program], cwd=home.parent, env=env, stdout=out, stderr=err
            )

    def answer(self, asked: subprocess.Popen[bytes], command: str) -> Any:
        asked.wait(SECONDS)
        assert asked.returncode == 0, (self.folder / "asked.err").read_text()
        return json.loads((self.folder / f"{command}.out").read_text())


def start_ray(nodes: tuple[Node, Node], env: dict[str, str], folder: Path, run: Path) -> list[subprocess.Popen[bytes]]:
    small = ("--num-cpus", "1", "--object-store-memory", "100000000", "--disable-usage-stats")
    head, other = nodes
    port = PORTS["ray"]
    first = ("--head", "--port", f"{port}", "--include-dashboard=false", "--temp-dir", str(run))
    for node, role in ((head, first), (other, ("--address", f"{head.address}:{port}"))):
        log = folder / f"{node.name}.log"
        started = node.start("ray", "start", *role, "--node-ip-address", node.address, *small, log=log, env=env)
        assert started.wait(SECONDS) == 0, log.read_text()
    return []  # it leaves them to themselves


def start_dask(nodes: tuple[Node, Node], env: dict[str, str], folder: Path, run: Path) -> list[subprocess.Popen[bytes]]:
    scheduler = f"tcp://{nodes[0].address}:{PORTS['dask']}"
    log = folder / "scheduler.log"
    quiet = ("--no-dashboard", "--host")
    head = ("scheduler", "--port", f"{PORTS['dask']}", *quiet, nodes[0].address)
    started = [nodes[0].start("dask", *head, log=log, env=env)]
    for node in nodes:
        one = ("--nthreads", "1", "--nworkers", "1", "--local-directory", f"{run}/{node.name}", *quiet, node.address)
        started.append(node.start("dask", "worker", scheduler, *one, log=log, env=env))
    until(lambda: log.read_text().count("Register worker") == 2, "both workers are there", SECONDS)
    return started


@pytest.fixture(scope="module", params=["ray", "dask"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    env = {name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name}
    env |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    run = Path(tempfile.mkdtemp(prefix="fc-"))  # short: it holds sockets
    started: list[subprocess.Popen[bytes]] = []
    try:
        with two_nodes() as nodes:
            started += {"ray": start_ray, "dask": start_dask}[request.param](nodes, env, folder, run)
            yield Cluster(request.param, nodes, env, folder)
    finally:
        for one in started:
            one.wait(SECONDS)
        shutil.rmtree(run, ignore_errors=True)


@pytest.fixture
def own_home(home: Path, tmp_path: Path) -> Path:
    shutil.copytree(home / "prices", tmp_path / "home" / "prices")
    (tmp_path / "home" / "tiny.toml").write_text(TINY)
    return tmp_path / "home"


def alone(home: Path, *arguments: str) -> Any:
    """The same by processes of this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "forecaster.cli.main", *arguments, "--engine", "local", "--jobs", "2", "--json"],
        env={**os.environ, "FORECASTER_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def networks(home: Path) -> dict[str, str]:
    """By symbol, the hash of what serves."""
    found = {}
    for file in home.glob("registry/models/*/artifacts/bundle/bundle.json"):
        manifest = json.loads(file.read_text())
        (symbol,) = manifest["symbols"]
        found[symbol] = manifest["files"]["model.onnx"]
    return found


def test_a_network_a_symbol(cluster: Cluster, own_home: Path) -> None:
    spec = ("--spec", str(own_home / "tiny.toml"), "--set", "validation=40", "--set", "test=60")
    asked = cluster.ask(own_home, "train", "--per-symbol", "S0", "S1", "S2", "S3", *spec)
    until(lambda: all(node.at_work() for node in cluster.nodes), "both nodes train", SECONDS)
    made = cluster.answer(asked, "train")
    assert {symbol: one["alias"] for symbol, one in made["models"].items()} == dict.fromkeys(
        ("S0", "S1", "S2", "S3"), "champion"
    )
    other = own_home.parent / "other"
    shutil.copytree(own_home / "prices", other / "prices")
    alone(other, "train", "--per-symbol", "S0", "S1", "S2", "S3", *spec)
    assert networks(own_home) == networks(other)
    assert len(networks(other)) == 4


def test_the_table_is_the_same_though_a_node_is_lost(cluster: Cluster, own_home: Path) -> None:
    folds = ("--spec", str(own_home / "tiny.toml"), "--folds", "4", "--every", "16")
    asked = cluster.ask(own_home, "backtest", *folds, "--out", "home/cluster")
    tasks = own_home / "cluster" / "tasks"
    until(
        lambda: all(node.at_work() for node in cluster.nodes) and len(list(tasks.glob("*.parquet"))) > 1,
        "both nodes have results",
        SECONDS,
    )
    cluster.nodes[1].power_off()
    assert len(list(tasks.glob("*.parquet"))) < 24
    cluster.answer(asked, "backtest")
    assert not cluster.nodes[1].processes()
    alone(own_home, "backtest", *folds, "--out", str(own_home / "local"))
    tables = [pd.read_parquet(own_home / name / "forecasts.parquet") for name in ("cluster", "local")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
