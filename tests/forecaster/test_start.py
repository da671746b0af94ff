from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.bars import Bars
from data.store import PriceStore
from data.windows import panel
from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import AlreadyLearnt, CorruptBundle, NoModel, SpecError, UnknownVersion
from forecaster.experiment import Experiment, run_experiment, windows_and_split
from forecaster.registry import Registry
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec, TrainSpec, to_dict
from forecaster.start import Start, read_start
from tests.forecaster.markets import make_bars, walk

SPEC = ModelSpec(
    units=(3,),
    lookback=4,
    features=("close", "volume"),
    quantiles=(0.1, 0.5, 0.9),
    unit="range",
    scaling="series",
    bidirectional=True,
    attention=True,
)
TRAINING = TrainSpec(epochs=2, batch=32, validation=20, test=40, seed=5, learning_rate=0.01)


def market(sessions: int) -> Bars:
    """The first sessions of two shares; the first is at its highest at the end."""
    return make_bars({"AAA": np.linspace(20, 60, 200)[:sessions], "BBB": walk(2, 200)[:sessions]})


class Place:
    """A first version, trained on 150 sessions, and 10 more that have come since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = PriceStore(folder / "prices")
        self.registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "models", "next-close")
        self.store.upsert(market(150))
        self.first = self.trained(SPEC, TRAINING)
        self.registry.promote(self.first.version)
        self.store.upsert(market(160))

    def trained(self, spec: ModelSpec, training: TrainSpec, **options: Any) -> Experiment:
        return run_experiment(self.store, self.registry, spec, training, **options)

    def bundle(self, made: Experiment) -> Bundle:
        return read_bundle(self.registry.bundle_path(made.version))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def start(place: Place) -> Start:
    return read_start(place.registry, "champion")


@pytest.fixture(scope="module")
def tuned(place: Place, start: Start) -> Experiment:
    """So slowly that it stays where it started."""
    spec, training = start.specs(None, ["learning_rate=1e-9", "epochs=1"])
    return place.trained(spec, training, start=start)


def test_the_weights_are_those_of_the_version(place: Place, tuned: Experiment) -> None:
    windows = np.random.default_rng(1).normal(0.5, 0.3, (50, 4, 2)).astype("f")
    one, other = (
        OnnxPredictor((place.bundle(made).path / "model.onnx").read_bytes()).predict(windows)
        for made in (place.first, tuned)
    )
    assert one == pytest.approx(other, abs=1e-5)
    assert np.ptp(one[:, 0, 1]) > 1e-3  # and not those of a network that knows nothing


def test_a_model_remembers_what_it_was_made_from(place: Place, tuned: Experiment) -> None:
    bundle, first = place.bundle(tuned), place.bundle(place.first)
    assert bundle.manifest["training"]["from"] == {
        "name": "next-close",
        "version": "1",
        "run_id": place.first.version.run_id,
        "sha256": first.manifest["files"]["model.keras"],
    }
    assert tuned.version.tags["from"] == "next-close 1"
    assert "from" not in first.manifest["training"]


def test_series_keep_the_ranges_that_the_network_knows(place: Place, start: Start, tuned: Experiment) -> None:
    assert place.bundle(tuned).manifest["scaling"] == place.bundle(place.first).manifest["scaling"]
    # AAA rises to a new high every session: ranges of its own would be others.
    windows, _ = windows_and_split(panel(market(160), SPEC.features), SPEC, TRAINING)
    assert start.scaling is not None
    assert windows.scaling != start.scaling


def test_its_specs_are_the_start_and_the_rate_is_a_tenth(place: Place, start: Start, tuned: Experiment) -> None:
    spec, training = start.specs(None, [])
    assert spec == SPEC
    assert training.learning_rate == pytest.approx(0.001)
    assert replace(training, learning_rate=0.01) == TRAINING
    spec, training = start.specs(None, ["learning_rate=0.02", "units=[3]", "seed=8"])
    assert (spec, training) == (SPEC, replace(TRAINING, learning_rate=0.02, seed=8))
    # What was fine-tuned passes its rate on.
    _, again = read_start(place.registry, tuned.version.version).specs(None, [])
    assert again.learning_rate == 1e-9


def test_another_network_cannot_take_its_weights(start: Start, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"units: expected \[3\], as version 1 has it, since its weights") as refused:
        start.specs(None, ["units=[4]"])
    assert refused.value.where == "ModelSpec.units"
    file = tmp_path / "spec.toml"
    file.write_text('[model]\ncell = "gru"\n')
    with pytest.raises(SpecError, match="cell: expected lstm, as version 1 has it"):
        start.specs(file, [])


def test_what_it_has_learnt_from_is_not_what_it_is_judged_on(place: Place, start: Start) -> None:
    learnt = place.bundle(place.first).manifest["training"]
    with pytest.raises(AlreadyLearnt, match="the validation span would begin on") as refused:
        place.trained(SPEC, replace(TRAINING, validation=40), start=start)
    assert (refused.value.version, refused.value.through) == ("1", learnt["weights_through"])
    # Its own validation span, seen by the stopping and the calibration, is no span to be judged on.
    windows, split = windows_and_split(panel(market(160), SPEC.features), SPEC, TRAINING, start.scaling)
    with pytest.raises(AlreadyLearnt, match="the held-out span would begin on") as refused:
        start.check(windows, replace(split, test=split.validation))
    assert refused.value.through == learnt["trained_through"]


def test_a_damaged_archive_is_not_read(place: Place, tmp_path: Path) -> None:
    own = read_start(place.registry, "1")
    moved = tmp_path / "bundle"
    moved.mkdir()
    content = bytearray((own.bundle.path / "model.keras").read_bytes())
    content[len(content) // 2] ^= 1
    (moved / "model.keras").write_bytes(content)
    with pytest.raises(CorruptBundle, match=r"model\.keras does not match its sha256"):
        Start(own.version, Bundle(moved, own.bundle.manifest)).weights()


def test_only_what_there_is_can_be_gone_on_from(place: Place) -> None:
    with pytest.raises(NoModel):
        read_start(place.registry, "challenger")
    with pytest.raises(UnknownVersion):
        read_start(place.registry, "9")
    assert to_dict(read_start(place.registry, "1").bundle.spec) == to_dict(SPEC)
