"""What a server loads. Each check starts a process of its own, since the tests themselves import tensorflow."""

from __future__ import annotations

import subprocess
import sys

import pytest

# scipy is another such package, but mlflow loads it where it finds it.
TRAINING_ONLY = {"tensorflow", "keras", "onnx", "sklearn", "h5py"}


def loaded_by(*modules: str) -> set[str]:
    program = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_that_serves_loads_what_only_training_needs() -> None:
    names = ("registry", "bundle", "model", "runtime", "answer", "evidence", "spec", "experiment", "cli.predict")
    loaded = loaded_by(*(f"forecaster.{name}" for name in names))
    assert not loaded & TRAINING_ONLY
    assert {"onnxruntime", "mlflow", "pandas"} <= loaded


@pytest.mark.parametrize("module", ["forecaster.spec", "forecaster.forecast", "forecaster.runtime", "forecaster.model"])
def test_the_inner_rooms_know_no_registry(module: str) -> None:
    assert not loaded_by(module) & {"mlflow", "click", *TRAINING_ONLY}


def test_help_loads_no_command() -> None:
    assert not loaded_by("forecaster.cli.main") & {"mlflow", "pandas", "onnxruntime", *TRAINING_ONLY}


def test_mlflow_sends_nothing_to_its_vendor() -> None:
    program = "import os, forecaster.registry; print(os.environ['MLFLOW_DISABLE_TELEMETRY'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "true"
