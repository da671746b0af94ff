from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from forecaster.networks.build import build_network
from forecaster.networks.export import export_network
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec
from tests.forecaster.networks.nets import random_network, random_windows

SPECS = {
    "change": ModelSpec(units=(32, 16), lookback=20, unit="range"),
    "level": ModelSpec(units=(32, 16), lookback=20, target="level", horizon=3),
}


@pytest.fixture(scope="module", params=SPECS.values(), ids=SPECS.keys())
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    found: ModelSpec = request.param
    return found


@pytest.fixture(scope="module")
def model(spec: ModelSpec) -> bytes:
    network = random_network(spec, seed=21, head=0.05)
    if spec.target == "change":
        # The biases that training starts with, so that quantiles are as far apart as they really are.
        _, bias = build_network(spec).get_layer("distances").get_weights()
        kernel, _ = network.get_layer("distances").get_weights()
        network.get_layer("distances").set_weights([kernel, bias])
    return export_network(network, spec)


@pytest.fixture(scope="module")
def predictor(model: bytes) -> OnnxPredictor:
    return OnnxPredictor(model)


# 512 windows go through the network at once.
@pytest.mark.parametrize("n", [2, 511, 512, 513, 1000, 1025])
def test_a_window_is_answered_alike_alone_and_among_others(spec: ModelSpec, predictor: OnnxPredictor, n: int) -> None:
    x = random_windows(spec, n, seed=22)
    together = predictor.predict(x)
    alone = np.concatenate([predictor.predict(x[row : row + 1]) for row in range(n)])
    assert 0.05 < np.abs(alone).max() < 1
    assert np.abs(together - alone).max() <= 1e-7


def test_any_number_of_threads_gives_the_same(spec: ModelSpec, model: bytes) -> None:
    x = random_windows(spec, 700, seed=23)
    one, several = (OnnxPredictor(model, threads=threads).predict(x) for threads in (1, 0))
    assert np.abs(one - several).max() <= 3e-7


def test_it_answers_many_threads_at_once(spec: ModelSpec, predictor: OnnxPredictor) -> None:
    x = random_windows(spec, 64, seed=24)
    expected = predictor.predict(x)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: predictor.predict(x), range(50)))
    assert all((one == expected).all() for one in answers)


def test_its_inputs_stay_as_they_are(spec: ModelSpec, predictor: OnnxPredictor) -> None:
    x = random_windows(spec, 10, seed=25)
    before = x.copy()
    predictor.predict(x)
    assert (x == before).all()


def test_no_window_has_no_answer(spec: ModelSpec, predictor: OnnxPredictor) -> None:
    assert predictor.predict(random_windows(spec, 0, seed=26)).shape[0] == 0
