from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from data.scaling import Scaling, SeriesRange, SeriesScaling, WindowScaling
from data.sessions import Calendars
from forecaster.bundle import (
    Bundle,
    calibration_from_dict,
    calibration_to_dict,
    read_bundle,
    scaling_from_dict,
    scaling_to_dict,
    write_bundle,
)
from forecaster.calibration import Calibration, calibrate
from forecaster.diagnostics.diagnostics import to_dict as diagnostics_to_dict
from forecaster.errors import CorruptBundle, UnsupportedBundle
from forecaster.evidence import diagnose_all, evidence
from forecaster.model import Model
from forecaster.networks.export import export_network
from forecaster.networks.gates import export_gates
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec, TrainSpec, to_dict
from tests.forecaster.markets import FIRST_DAY, make_bars, make_windows, until, walk
from tests.forecaster.networks.nets import keras_output, random_network, random_windows

FILES = ("bundle.json", "evidence.parquet", "gates.onnx", "model.keras", "model.onnx")
SPEC = ModelSpec(units=(3,), lookback=4, features=("close", "volume"), unit="range", quantiles=(0.1, 0.5, 0.9))
TRAINING = TrainSpec(seed=3, epochs=1)
# Numbers that end after 17 digits, and not before.
SHIFT = np.array([[-0.1 - 0.2, 0.0, math.pi]])


class Parts:
    """What a bundle is made from."""

    def __init__(self) -> None:
        self.network = random_network(SPEC, seed=1)
        self.onnx = export_network(self.network, SPEC)
        self.gates = export_gates(self.network, SPEC)
        self.model = Model(SPEC, WindowScaling(), Calibration(SHIFT, 250), OnnxPredictor(self.onnx))
        self.bars = make_bars({"AAA": walk(1, 120), "BBB": walk(2, 30)})
        windows = make_windows(self.bars, lookback=4, features=SPEC.features)
        self.evidence, _ = evidence(self.model, windows)
        self.diagnostics = diagnose_all(self.evidence, SPEC.quantiles)

    def manifest(self, **changes: Any) -> dict[str, Any]:
        return {
            "spec": to_dict(SPEC),
            "train_spec": to_dict(TRAINING),
            "scaling": {"kind": "window"},
            "symbols": ["AAA", "BBB"],
            "calibration": {"shift": SHIFT.tolist(), "windows": 250},
            "training": {"trained_through": "2020-06-19"},
            "diagnostics": {symbol: diagnostics_to_dict(one) for symbol, one in self.diagnostics.items()},
            "note": "Candès, 沪深",
            **changes,
        }

    def write(self, path: Path, **changes: Any) -> Bundle:
        return write_bundle(
            path,
            self.manifest(**changes),
            onnx=self.onnx,
            gates=self.gates,
            evidence=self.evidence,
            save_keras=self.network.save,
        )


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts()


@pytest.fixture(scope="module")
def written(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that tests only read."""
    path = tmp_path_factory.mktemp("models") / "bundle"
    parts.write(path)
    return path


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    """A bundle that a test may damage."""
    return Path(shutil.copytree(written, tmp_path / "bundle"))


def seal(manifest: dict[str, Any]) -> bytes:
    """A manifest as the module's docstring describes it, written here once more."""
    unsealed = json.dumps({"sha256": "0" * 64, **manifest}, indent=1).encode() + b"\n"
    return unsealed.replace(b"0" * 64, hashlib.sha256(unsealed).hexdigest().encode(), 1)


def test_what_was_written_is_read(parts: Parts, written: Path) -> None:
    found = read_bundle(written)
    assert found.path == written
    assert found.spec == SPEC
    assert found.train_spec == TRAINING
    assert found.trained_through == "2020-06-19"
    assert found.manifest["note"] == "Candès, 沪深"
    assert {name: found.manifest[name] for name in parts.manifest()} == parts.manifest()
    assert found.diagnostics() == parts.diagnostics
    assert {name: one.sessions for name, one in found.diagnostics().items()} == {"AAA": 116, "BBB": 26}
    # Parquet knows milliseconds, not seconds; all else is the same to the last bit.
    assert_frame_equal(found.evidence(), parts.evidence, check_exact=True, check_dtype=False)


def test_writing_gives_what_reading_gives(parts: Parts, tmp_path: Path) -> None:
    made = parts.write(tmp_path / "bundle")
    assert made == read_bundle(tmp_path / "bundle")


def test_the_model_that_is_read_forecasts_as_the_one_that_was_written(parts: Parts, written: Path) -> None:
    found = read_bundle(written).model()
    assert found.calibration.shift.tolist() == SHIFT.tolist()
    assert (found.calibration.windows, found.spec, found.scaling) == (250, SPEC, WindowScaling())
    calendars = Calendars()
    before, after = parts.model.forecasts(parts.bars, calendars), found.forecasts(parts.bars, calendars)
    assert list(before) == list(after) == ["AAA", "BBB"]
    for symbol, forecast in before.items():
        again = after[symbol]
        assert not isinstance(forecast, Exception)
        assert not isinstance(again, Exception)
        assert (forecast.quantiles == again.quantiles).all()
        assert isinstance(again.as_of, date)


def test_the_gates_that_are_read_are_those_of_the_network(parts: Parts, written: Path) -> None:
    x = random_windows(SPEC, 20, seed=2)
    sequence = parts.network.get_layer("recurrent_0")
    found = read_bundle(written).gates().traces(x)["layer_0.forward.hidden"]
    assert found.shape == (20, 4, 3)
    assert np.abs(found[:, -1] - np.asarray(sequence(x))).max() <= 1e-6


def test_the_keras_archive_is_the_network(parts: Parts, written: Path) -> None:
    import keras

    x = random_windows(SPEC, 20, seed=2)
    again = keras.saving.load_model(written / "model.keras")
    assert (keras_output(again, x) == keras_output(parts.network, x)).all()


@pytest.mark.parametrize(
    "scaling",
    [
        WindowScaling(),
        SeriesScaling({}),
        SeriesScaling(
            {
                "AAPL": SeriesRange((0.1 + 0.2, 1.0), (math.pi, 1e-300), 7.5, 1e300),
                "600519.SH": SeriesRange((0.0,), (0.0,), 0.0, 0.0),
            }
        ),
    ],
    ids=["window", "series of nothing", "series"],
)
def test_both_scalings_come_back_to_the_last_bit(parts: Parts, tmp_path: Path, scaling: Scaling) -> None:
    assert scaling_from_dict(json.loads(json.dumps(scaling_to_dict(scaling)))) == scaling
    parts.write(tmp_path / "bundle", scaling=scaling_to_dict(scaling))
    assert read_bundle(tmp_path / "bundle").model().scaling == scaling


# A step that ends after 17 digits, as the shift does, and a day before 1970.
FOLLOWING = Calibration(SHIFT, 250, np.array([[0.1 + 0.7, 0.0, 1e-300]]), np.datetime64("1969-07-20"))


def same(one: Calibration | None, other: Calibration) -> bool:
    """To the last bit."""
    assert one is not None
    assert (one.step is None) == (other.step is None)
    steps = other.step is None or np.array_equal(np.asarray(one.step), other.step)
    return steps and np.array_equal(one.shift, other.shift) and (one.windows, one.through) == (250, other.through)


@pytest.mark.parametrize("calibration", [FOLLOWING, Calibration(SHIFT, 250)], ids=["following", "still"])
def test_a_calibration_comes_back_to_the_last_bit(parts: Parts, tmp_path: Path, calibration: Calibration) -> None:
    written = calibration_to_dict(calibration)
    assert same(calibration_from_dict(json.loads(json.dumps(written))), calibration)
    moved = replace(calibration, shift=SHIFT / 3)
    parts.write(tmp_path / "bundle", calibration=calibration_to_dict(moved), calibration_before=written)
    model = read_bundle(tmp_path / "bundle").model()
    assert same(model.calibration, moved)
    assert same(model.before, calibration)
    assert model.universe == ("AAA", "BBB")


def test_a_saved_model_goes_on_where_its_evidence_ended(parts: Parts, tmp_path: Path) -> None:
    """What comes after the held-out span is answered as by one who followed every outcome since the validation."""
    bars = make_bars({"AAA": walk(1, 120), "BBB": walk(2, 120), "CCC": walk(3, 120)})
    sessions = pd.bdate_range(FIRST_DAY, periods=120)
    windows = make_windows(until(bars, sessions[89]), lookback=4, features=SPEC.features)
    held_in = windows.take(windows.origin < np.datetime64(sessions[60], "D"))
    network = parts.model.predictor
    before = calibrate(network.predict(held_in.x), held_in.y, SPEC.quantiles, held_in.origin, held_in.outcome)
    replay = replace(parts.model, calibration=before, universe=bars.symbols)
    judged = np.flatnonzero(windows.origin >= np.datetime64(sessions[61], "D"))
    table, after = evidence(replay, windows, judged)
    parts.write(
        tmp_path / "bundle",
        symbols=list(bars.symbols),
        calibration=calibration_to_dict(after),
        calibration_before=calibration_to_dict(before),
    )
    saved = read_bundle(tmp_path / "bundle").model()
    for position in (89, 90, 119):
        then = until(bars, sessions[position])
        expected, found = replay.calibrated(replay.windows(then)), saved.calibrated(saved.windows(then))
        assert np.array_equal(found.shift, expected.shift)
        assert not np.array_equal(found.shift, before.shift)
        assert found.through == expected.through == np.datetime64(sessions[position], "D")
    # Within the span it answers what the evidence holds.
    row = table[(table["symbol"] == "BBB") & (table["origin"] == sessions[75])].iloc[0]
    answer = saved.forecasts(until(bars, sessions[75]), Calendars())["BBB"]
    assert not isinstance(answer, Exception)
    assert answer.quantiles[0].tolist() == pytest.approx(row[["0.1", "0.5", "0.9"]].tolist(), rel=1e-6)


def test_a_bundle_is_five_files_and_the_manifest_holds_their_hashes(written: Path) -> None:
    assert sorted(one.name for one in written.iterdir()) == list(FILES)
    manifest = json.loads((written / "bundle.json").read_text())
    assert manifest["files"] == {
        name: hashlib.sha256((written / name).read_bytes()).hexdigest() for name in FILES if name != "bundle.json"
    }
    assert manifest["schema"] == 2


def test_the_manifest_is_sealed_as_documented(parts: Parts, written: Path) -> None:
    content = (written / "bundle.json").read_bytes()
    values = json.loads(content)
    digits = values["sha256"].encode()
    assert hashlib.sha256(content.replace(digits, b"0" * 64, 1)).hexdigest().encode() == digits
    del values["sha256"]
    assert seal(values) == content


def test_the_manifest_says_nothing_of_where_it_was_made(written: Path) -> None:
    content = (written / "bundle.json").read_text()
    assert str(written.parent) not in content
    assert str(Path.home()) not in content
    assert "/tmp" not in content


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_manifest_without_a_number_where_one_should_be_is_never_written(
    parts: Parts, tmp_path: Path, number: float
) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        parts.write(tmp_path / "models" / "bundle", metrics={"mase": number})
    assert list((tmp_path / "models").iterdir()) == []


def loads_nothing(path: Path, file: str) -> CorruptBundle:
    with pytest.raises(CorruptBundle) as refused:
        read_bundle(path)
    assert refused.value.file == file
    assert refused.value.path == path
    return refused.value


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_anywhere_is_refused(copy: Path, name: str) -> None:
    whole = (copy / name).read_bytes()
    random = np.random.default_rng(len(whole))
    places = {0, 1, len(whole) // 2, len(whole) - 2, len(whole) - 1}
    places |= {int(place) for place in random.integers(0, len(whole), 200)}
    for place in sorted(places):
        damaged = bytearray(whole)
        damaged[place] ^= int(random.integers(1, 256))
        (copy / name).write_bytes(damaged)
        loads_nothing(copy, name)
    (copy / name).write_bytes(whole)
    read_bundle(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-1], lambda whole: whole + b"\n", lambda whole: b"", lambda whole: whole[::-1]],
    ids=["cut short", "longer", "empty", "reversed"],
)
def test_a_file_of_another_length_or_order_is_refused(copy: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    (copy / name).write_bytes(damage((copy / name).read_bytes()))
    loads_nothing(copy, name)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert "cannot be read (No such file or directory)" in str(loads_nothing(copy, name))


def test_a_folder_in_place_of_a_file_is_refused(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    (copy / "model.onnx").mkdir()
    loads_nothing(copy, "model.onnx")


def test_no_bundle_at_all_is_a_damaged_one(tmp_path: Path) -> None:
    loads_nothing(tmp_path / "absent", "bundle.json")


def test_a_file_of_another_bundle_is_refused(parts: Parts, copy: Path, tmp_path: Path) -> None:
    other = random_network(SPEC, seed=99)
    (copy / "model.onnx").write_bytes(export_network(other, SPEC))
    loads_nothing(copy, "model.onnx")


@pytest.mark.parametrize(
    ("name", "use"),
    [("model.onnx", Bundle.model), ("gates.onnx", Bundle.gates), ("evidence.parquet", Bundle.evidence)],
)
def test_a_file_that_changes_after_the_check_is_refused_when_it_is_used(
    copy: Path, name: str, use: Callable[[Bundle], object]
) -> None:
    bundle = read_bundle(copy)
    use(bundle)
    damaged = bytearray((copy / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (copy / name).write_bytes(damaged)
    with pytest.raises(CorruptBundle):
        use(bundle)


@pytest.mark.parametrize("schema", [0, 1, 3, "2", None])
def test_another_schema_is_refused_by_name(copy: Path, schema: object) -> None:
    manifest = json.loads((copy / "bundle.json").read_text())
    del manifest["sha256"]
    (copy / "bundle.json").write_bytes(seal({**manifest, "schema": schema}))
    with pytest.raises(UnsupportedBundle) as refused:
        read_bundle(copy)
    assert (refused.value.found, refused.value.supported) == (schema, 2)


def test_a_cell_that_this_version_does_not_know_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "bundle.json").read_text())
    del manifest["sha256"]
    manifest["spec"]["cell"] = "transformer"
    (copy / "bundle.json").write_bytes(seal(manifest))
    with pytest.raises(UnsupportedBundle, match="train it again"):
        read_bundle(copy)


@pytest.mark.parametrize("stop", [RuntimeError("disk full"), KeyboardInterrupt()], ids=["failure", "Ctrl-C"])
def test_what_ends_half_way_leaves_nothing_behind(parts: Parts, tmp_path: Path, stop: BaseException) -> None:
    def ends_half_way(file: Path) -> None:
        file.write_bytes(b"half an archive")
        raise stop

    with pytest.raises(type(stop)):
        write_bundle(
            tmp_path / "models" / "bundle",
            parts.manifest(),
            onnx=parts.onnx,
            gates=parts.gates,
            evidence=parts.evidence,
            save_keras=ends_half_way,
        )
    assert list((tmp_path / "models").iterdir()) == []


def test_a_bundle_is_never_written_over(parts: Parts, copy: Path) -> None:
    before = {name: (copy / name).read_bytes() for name in FILES}
    with pytest.raises(OSError, match="not empty"):
        parts.write(copy, note="another")
    assert {name: (copy / name).read_bytes() for name in FILES} == before
    assert [one.name for one in copy.parent.iterdir()] == ["bundle"]


def test_evidence_keeps_days_as_days(written: Path) -> None:
    table = pd.read_parquet(written / "evidence.parquet")
    assert str(table["session"].dtype).startswith("datetime64")
    assert table["session"].dt.normalize().equals(table["session"])
