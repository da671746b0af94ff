from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mean_pinball_loss, mean_squared_error

from forecaster.networks.layers import OrderedQuantiles
from forecaster.networks.losses import loss_of, quantile_loss
from forecaster.spec import ModelSpec


def floats(*values: Any) -> np.ndarray:
    return np.array(values, dtype="f")


def test_the_quantile_loss_by_hand() -> None:
    # Quantiles 1, 2 and 4 at levels 0.1, 0.5 and 0.9. The share rose by 3, and by 2.4 beyond the market:
    # 0.1 * (3 - 1), 0.5 * (2.4 - 2) and (1 - 0.9) * (4 - 3).
    found = quantile_loss((0.1, 0.5, 0.9))(floats([[3.0, 2.4]]), floats([[1.0, 2.0, 4.0]]))
    assert np.asarray(found) == pytest.approx([(0.2 + 0.2 + 0.1) / 3])


def test_without_a_market_it_is_the_mean_pinball_loss() -> None:
    random, levels = np.random.default_rng(1), (0.05, 0.25, 0.5, 0.75, 0.95)
    change = random.normal(0, 1, (40, 3)).astype("f")
    quantiles = np.sort(random.normal(0, 1, (40, 3, 5)).astype("f"), axis=-1)
    by_level = [mean_pinball_loss(change.ravel(), quantiles[..., k].ravel(), alpha=p) for k, p in enumerate(levels)]
    found = np.asarray(quantile_loss(levels)(np.stack([change, change], axis=-1), quantiles))
    assert found.shape == (40,)
    assert found.mean() == pytest.approx(np.mean(by_level), rel=1e-5)


def test_the_median_learns_what_is_beyond_the_market_and_the_distances_the_whole() -> None:
    levels = (0.1, 0.5, 0.9)
    head = OrderedQuantiles(1, levels)
    raw = tf.constant(floats([1.0, 2.0, 2.0]))  # the median is 2, and a distance is softplus of its number
    with tf.GradientTape() as tape:
        tape.watch(raw)
        quantiles = head(raw)
        # Between the lower quantile and the upper; below the median by far without the market.
        loss = quantile_loss(levels)(floats([[2.5, -9.0]]), quantiles)
    slope = 1 / (1 + np.exp([-1.0, -2.0]))  # of softplus
    # The median is too high: one step of it costs 1 - 0.5. Wider distances cost 0.1 each: the change is inside.
    assert np.asarray(tape.gradient(loss, raw))[0] == pytest.approx(
        [0.1 * slope[0] / 3, 0.5 / 3, 0.1 * slope[1] / 3], rel=1e-5
    )


def test_the_level_head_has_the_mean_squared_error() -> None:
    random = np.random.default_rng(2)
    targets, levels = random.normal(0, 1, (30, 2, 2)).astype("f"), random.normal(0, 1, (30, 2, 1)).astype("f")
    found = np.asarray(loss_of(ModelSpec(target="level", horizon=2))(keras.ops.convert_to_tensor(targets), levels))
    assert found.shape == (30,)
    assert found.mean() == pytest.approx(mean_squared_error(targets[..., 0], levels[..., 0]), rel=1e-5)
