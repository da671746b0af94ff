from __future__ import annotations

import numpy as np

from forecaster.training.order import dropout_seeds, shuffled


def test_every_window_comes_once_an_epoch() -> None:
    assert np.array_equal(np.sort(shuffled(1000, 7, 3)), np.arange(1000))


def test_the_order_is_that_of_the_seed_and_the_epoch_alone() -> None:
    orders = {(seed, epoch): shuffled(1000, seed, epoch).tobytes() for seed in (7, 8) for epoch in (0, 1, 2)}
    assert len(set(orders.values())) == 6
    np.random.default_rng().random()
    assert shuffled(1000, 8, 1).tobytes() == orders[8, 1]


def test_each_part_of_each_step_drops_something_else() -> None:
    seeds = [dropout_seeds(seed, step, 3, 2) for seed in (7, 8) for step in range(50)]
    assert all(one.shape == (3, 2, 2) and one.dtype == np.uint32 for one in seeds)
    pairs = {tuple(pair) for one in seeds for pair in one.reshape(-1, 2)}
    assert len(pairs) == 2 * 50 * 3 * 2
    assert np.array_equal(dropout_seeds(8, 4, 3, 2), seeds[54])
