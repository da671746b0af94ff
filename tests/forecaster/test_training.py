from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from data.windows import Windows
from forecaster.errors import TrainingDiverged
from forecaster.networks.build import build_network
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training import Epoch, Within, raw_outputs, train
from tests.forecaster.markets import make_bars, make_windows, walk
from tests.forecaster.training_sets import (
    SPEC,
    TRAINING,
    random_walks,
    split_of,
    weights_hash,
    windows_of,
)

REPOSITORY = Path(__file__).parents[2]


def hash_after_training(windows: Windows, training: TrainSpec = TRAINING) -> str:
    return weights_hash(train(windows, split_of(windows), SPEC, training).network)


@pytest.fixture(scope="module")
def windows() -> Windows:
    return windows_of(random_walks())


@pytest.fixture(scope="module")
def trained_hash(windows: Windows) -> str:
    return hash_after_training(windows)


def test_the_same_seed_gives_the_same_weights_bit_for_bit(windows: Windows, trained_hash: str) -> None:
    assert hash_after_training(windows) == trained_hash


def test_another_seed_gives_other_weights(windows: Windows, trained_hash: str) -> None:
    assert hash_after_training(windows, replace(TRAINING, seed=8)) != trained_hash


def test_the_same_seed_gives_the_same_weights_in_every_process(trained_hash: str) -> None:
    def in_a_process_of_its_own(seed: int) -> str:
        command = [sys.executable, "-m", "tests.forecaster.training_sets", str(seed)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(in_a_process_of_its_own, (7, 7))) == [trained_hash, trained_hash]


def test_prices_of_the_test_span_leave_the_weights_as_they_are(windows: Windows, trained_hash: str) -> None:
    first_test_session = np.unique(windows.origin)[-TRAINING.test]
    later = np.unique(windows.panel.session) >= first_test_session
    assert later.sum() == TRAINING.test + 1  # and the outcome of the last
    changed = {symbol: np.where(later, closes * 3.7, closes) for symbol, closes in random_walks().items()}
    assert hash_after_training(windows_of(changed)) == trained_hash


def test_targets_of_the_test_span_leave_the_weights_as_they_are(windows: Windows, trained_hash: str) -> None:
    split = split_of(windows)
    y = windows.y.copy()
    y[split.test] = 1e6
    assert hash_after_training(replace(windows, y=y)) == trained_hash


def test_prices_of_the_training_span_change_the_weights(trained_hash: str) -> None:
    changed = random_walks()
    changed["AAA"][50] *= 1.1
    assert hash_after_training(windows_of(changed)) != trained_hash


@pytest.mark.parametrize("target", ["change", "level"])
def test_the_best_weights_stay_when_training_stops_early(target: str) -> None:
    # Random walks hold nothing to learn, so that fast training gets worse on the validation span soon.
    spec = replace(SPEC, units=(12,), dropout=0.0, target=target)
    training = replace(TRAINING, epochs=30, patience=2, learning_rate=0.05, batch=16, seed=3)
    windows = windows_of(random_walks(), spec)
    split = split_of(windows, training)
    shown: list[Epoch] = []
    trained = train(windows, split, spec, training, shown.append)
    losses = [epoch.validation_loss for epoch in trained.history]
    assert tuple(shown) == trained.history
    assert [epoch.number for epoch in shown] == list(range(1, len(shown) + 1))
    assert {epoch.of for epoch in shown} == {30}
    assert trained.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == trained.best_epoch + training.patience < 30
    held_in = windows.take(split.validation)
    output, actual = raw_outputs(trained.network, held_in), held_in.y
    if target == "level":
        loss = np.mean((output[..., 0] - actual) ** 2)
    else:
        levels = enumerate(spec.quantiles)
        loss = np.mean([mean_pinball_loss(actual[:, 0], output[:, 0, k], alpha=level) for k, level in levels])
    assert loss == pytest.approx(min(losses), rel=1e-4)
    assert loss < losses[-1]


def test_without_an_early_stop_it_trains_for_all_epochs(windows: Windows) -> None:
    training = replace(TRAINING, epochs=3, patience=50)
    trained = train(windows, split_of(windows), SPEC, training)
    assert len(trained.history) == 3
    assert trained.seconds > 0
    assert all(epoch.windows_per_second > 0 for epoch in trained.history)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_loss_that_is_no_number_ends_the_training(windows: Windows, part: str) -> None:
    split = split_of(windows)
    y = windows.y.copy()
    y[getattr(split, part)[5]] = np.inf
    with pytest.raises(TrainingDiverged, match=r"the loss of epoch 1 is \w+; try a lower rate, such as --set") as ended:
        train(replace(windows, y=y), split, SPEC, TRAINING)
    assert not np.isfinite(ended.value.loss)


def test_weights_to_start_from_are_where_training_starts(windows: Windows) -> None:
    first = build_network(SPEC)
    random = np.random.default_rng(9)
    start = [random.normal(0, 0.1, weight.shape).astype("f") for weight in first.get_weights()]
    trained = train(windows, split_of(windows), SPEC, replace(TRAINING, epochs=1, learning_rate=1e-9), start=start)
    for one, other in zip(trained.network.get_weights(), start, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
        assert not np.array_equal(one, np.zeros_like(one))


def test_training_tells_how_it_stands_within_an_epoch(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    # After every batch: on a quick machine these small epochs end before it is time for a first look.
    monkeypatch.setattr("forecaster.training.loop._LOOKS_A_SECOND", 1e9)
    moments: list[Within] = []
    training = replace(TRAINING, batch=2)
    trained = train(windows, split_of(windows), SPEC, training, within=moments.append)
    assert {moment.epoch for moment in moments} == {1, 2}
    done = [moment.done for moment in moments]
    assert done == sorted(set(done))
    assert 0 < done[0] < done[-1] <= 1
    assert all(moment.of == 2 and moment.windows_per_second > 0 for moment in moments)
    # The last moment of an epoch is near its end, and so is its mean.
    assert moments[-1].loss == pytest.approx(trained.history[1].loss, rel=0.2)


def test_a_planted_signal_is_learnt() -> None:
    # Each change but for a little noise undoes most of the last: c(t) = 100 + u(t) with u(t) = -0.9 u(t-1) + e(t).
    random, u = np.random.default_rng(5), np.zeros(900)
    for t in range(1, len(u)):
        u[t] = -0.9 * u[t - 1] + random.normal(0, 0.3)
    spec = ModelSpec(units=(8,), lookback=4, features=("close",), quantiles=(0.1, 0.5, 0.9))
    training = TrainSpec(epochs=25, patience=25, batch=32, learning_rate=0.01, validation=100, test=200)
    windows = make_windows(make_bars({"AAA": 100 + u}), lookback=4)
    split = split_of(windows, training)
    trained = train(windows, split, spec, training)
    held_out = windows.take(split.test)

    def mean_error(output: np.ndarray) -> float:
        return float(np.abs(held_out.prices(output[:, 0, 1]) - held_out.prices(held_out.y[:, 0])).mean())

    untrained = mean_error(raw_outputs(build_network(spec), held_out))
    naive = np.abs(held_out.last_close - held_out.prices(held_out.y[:, 0])).mean()
    assert untrained == pytest.approx(naive)
    # The noise alone, which nothing can foresee, has a mean size of 0.3 * sqrt(2 / pi) = 0.24.
    assert mean_error(raw_outputs(trained.network, held_out)) < 0.5 * untrained
    assert mean_error(raw_outputs(trained.network, held_out)) > 0.2


def test_raw_outputs_are_those_of_the_whole_set_at_once() -> None:
    windows = windows_of({f"S{seed}": walk(seed, 260) for seed in range(10)})
    assert len(windows) > 2 * 1024
    network = build_network(SPEC)
    found = raw_outputs(network, windows)
    assert found.shape == (len(windows), 1, 3)
    assert np.abs(found - np.asarray(network(windows.x, training=False))).max() < 1e-6
