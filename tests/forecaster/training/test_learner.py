from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from forecaster.networks.build import build_network
from forecaster.networks.losses import loss_of
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training.device import Device
from forecaster.training.learner import Learner

SPEC = ModelSpec(units=(5,), lookback=4, features=("close", "volume"), quantiles=(0.1, 0.5, 0.9), dropout=0.0)
TRAINING = TrainSpec(batch=96, learning_rate=0.01, clip_norm=0.05)
RANDOM = np.random.default_rng(5)
BATCHES = [
    (RANDOM.normal(0, 1, (n, 4, 2)).astype("f"), RANDOM.normal(0, 1, (n, 1, 2)).astype("f")) for n in (96, 96, 96, 7, 1)
]


def learner(cores: int, spec: ModelSpec = SPEC) -> Learner:
    """Its head starts with zeros, which make for gradients of nothing but rounding: other weights instead."""
    made, random = Learner(spec, TRAINING, Device("cpu", cores, "a test")), np.random.default_rng(6)
    made.set_weights([random.normal(0, 0.5, weight.shape) for weight in made.weights()])
    return made


@pytest.mark.parametrize("cores", [1, 3])
def test_steps_are_those_of_keras_fit_however_many_cores_share_them(cores: int) -> None:
    own = learner(cores)
    network = build_network(SPEC)
    network.set_weights(own.weights())
    network.compile(optimizer=keras.optimizers.Adam(0.01, global_clipnorm=0.05), loss=loss_of(SPEC), jit_compile=False)
    expected = [network.train_on_batch(*batch) * len(batch[0]) for batch in BATCHES]
    losses = [own.learn(*batch, step=step, rate=0.01) for step, batch in enumerate(BATCHES)]
    assert losses == pytest.approx(expected, rel=1e-4)
    for one, other in zip(own.weights(), network.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=5e-5)


def test_what_a_step_drops_is_its_own_and_the_same_again() -> None:
    one = learner(2, replace(SPEC, dropout=0.5, recurrent_dropout=0.3))
    losses = {
        (step, again): one.learn(*BATCHES[0], step=step, rate=0.0) for again in (False, True) for step in (0, 1, 2)
    }
    assert [losses[step, False] for step in range(3)] == [losses[step, True] for step in range(3)]
    assert len(set(losses.values())) == 3


def test_judging_drops_nothing_and_teaches_nothing() -> None:
    one = learner(3, replace(SPEC, dropout=0.5))
    one.learn(*BATCHES[0], step=0, rate=0.01)
    before = one.weights()
    network = one.network(before)
    for inputs, targets in BATCHES:
        expected = np.asarray(loss_of(SPEC)(targets, network(inputs, training=False))).sum()
        assert one.judge(inputs, targets) == pytest.approx(expected, rel=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(before, one.weights(), strict=True))


def test_the_share_of_a_core_is_worth_its_while() -> None:
    device = Device("cpu", 4, "a test")
    assert [device.shards(batch) for batch in (1, 63, 64, 100, 128, 4096)] == [1, 1, 2, 3, 4, 4]
    assert Device("gpu", 16, "a test").shards(4096) == 1
