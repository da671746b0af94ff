from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.forecaster.cli.conftest import Sample, registry_of
from tests.forecaster.cli.program import Done, at_once, forecaster

AS_OF = "2012-06-29"


@pytest.fixture(scope="module")
def asked(sample: Sample, priced_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """All calls that only read."""
    home, page = sample.home, tmp_path_factory.mktemp("report") / "gates.html"
    return at_once(
        {
            "json": (home, ["gates", "GOOG", "--json"]),
            "in words": (home, ["gates", "GOOG", "--sessions", "2", "--report", page]),
            "as of": (home, ["gates", "GOOG", "--as-of", AS_OF, "--json"]),
            "level": (home, ["gates", "IBM", "--version", "2", "--json"]),
            "without a range": (home, ["gates", "FB", "--version", "2", "--json"]),
            "too early": (home, ["gates", "FB", "--as-of", "2012-05-21", "--json"]),
            "unknown": (home, ["gates", "ZZZ", "--json"]),
            "no model": (priced_home, ["gates", "AAPL", "--json"]),
        }
    )


def bundle_of(home: Path, version: str) -> Path:
    registry = registry_of(home)
    return registry.bundle_path(registry.get(version))


def test_the_window_is_that_of_the_forecast(asked: dict[str, Done], sample: Sample) -> None:
    found = asked["as of"].json
    assert (found["symbol"], found["as_of"], found["sessions"][-1]) == ("GOOG", AS_OF, AS_OF)
    assert len(found["sessions"]) == 5
    assert found["sessions"] == sorted(found["sessions"])
    table = pd.read_parquet(bundle_of(sample.home, "1") / "evidence.parquet")
    row = table[(table["symbol"] == "GOOG") & (table["origin"] == AS_OF)].iloc[0]
    assert found["close"][-1] == pytest.approx(row["previous_close"], rel=1e-12)
    assert found["inputs"]["features"][3] == "close"
    closes = np.array(found["inputs"]["values"])[:, 3]
    scaled = (closes - closes.min()) / (closes.max() - closes.min())
    np.testing.assert_allclose(np.array(found["inputs"]["scaled"])[:, 3], scaled, atol=1e-6)
    assert found["model"] == {"name": "next-close", "version": "1", "trained_through": "2012-02-29"}


@pytest.mark.parametrize(("name", "version"), [("json", "1"), ("level", "2")])
def test_the_gates_are_those_of_the_network_that_was_trained(
    asked: dict[str, Done], sample: Sample, name: str, version: str
) -> None:
    import keras

    import forecaster.networks.build  # noqa: F401  # registers the layers

    found: dict[str, Any] = asked[name].json
    network = keras.saving.load_model(bundle_of(sample.home, version) / "model.keras", compile=False)
    x = np.array([found["inputs"]["scaled"]], dtype=np.float32)
    (layer,) = found["layers"]
    traces = {trace: np.array(values) for trace, values in layer["traces"].items()}
    assert {values.shape for values in traces.values()} == {(5, 4)}
    state = np.asarray(network.get_layer("recurrent_0")(x))[0]
    assert np.abs(traces["hidden"][-1] - state).max() <= 1e-6
    np.testing.assert_allclose(traces["hidden"], traces["output"] * np.tanh(traces["cell"]), atol=1e-6)
    kept = traces["forget"][1:] * traces["cell"][:-1] + traces["input"][1:] * traces["candidate"][1:]
    np.testing.assert_allclose(traces["cell"][1:], kept, atol=1e-6)


def test_the_memory_follows_from_the_sensitivities(asked: dict[str, Done]) -> None:
    found = asked["json"].json
    sensitivity = np.array(found["sensitivity"])
    assert sensitivity.shape == (5,)
    assert (sensitivity > 0).all()
    reached = np.cumsum(sensitivity[::-1]) / sensitivity.sum()
    assert found["effective_memory"] == {"share": 0.9, "sessions": int(np.argmax(reached >= 0.9)) + 1}
    assert found["attention"] is None


def test_in_words_it_is_tables_and_a_sentence(asked: dict[str, Done]) -> None:
    done, found = asked["in words"], asked["json"].json
    assert (done.code, done.err) == (0, "")
    assert "GOOG, next-close version 1: 5 sessions from 2013-02-25 to 2013-03-01" in done.out
    assert "layer 0, forward: mean ± standard deviation over 4 units" in done.out
    traces = {trace: np.array(values)[-1] for trace, values in found["layers"][0]["traces"].items()}
    sizes = [np.abs(values) if trace in ("candidate", "cell", "hidden") else values for trace, values in traces.items()]
    cells = " │ ".join(["2013-03-01", *(f"{one.mean():.2f} ± {one.std():.2f}" for one in sizes)])
    assert cells in done.out
    assert done.out.count("2013-02-28") == done.out.count("2013-02-27") + 2 == 2  # the two newest in either table
    assert f"Effective memory: the newest {found['effective_memory']['sessions']} sessions hold 90 %" in done.out


def test_a_report_is_one_page(asked: dict[str, Done]) -> None:
    file = Path(asked["in words"].out.splitlines()[-1].removeprefix("wrote "))
    page = file.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<h2 id='title-0'>Layer 0, forward</h2>") == 1
    assert "next-close version 1" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("without a range", "UnscaledSymbol", "FB was not among the training rows"),
        ("too early", "NotEnoughHistory", "FB: the model needs 25 sessions and 2 are stored"),
        ("unknown", "UnknownSymbol", "unknown symbol ZZZ: the store holds 5 symbols"),
        ("no model", "NoModel", "the model next-close has no champion yet"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(asked: dict[str, Done], name: str, kind: str, message: str) -> None:
    assert asked[name].code == 1
    assert asked[name].json["error"]["type"] == kind
    assert message in asked[name].json["error"]["message"]


def test_a_bundle_with_damaged_gates_is_refused(copied_home: Path) -> None:
    file = bundle_of(copied_home, "1") / "gates.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = forecaster(copied_home, "gates", "AAPL")
    assert (done.code, done.out) == (1, "")
    assert "gates.onnx does not match its sha256" in done.err


def test_looking_inside_needs_no_training_package() -> None:
    program = "import sys, forecaster.cli.gates; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"tensorflow", "keras", "onnx", "sklearn", "h5py"}
