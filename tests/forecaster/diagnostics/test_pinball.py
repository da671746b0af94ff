from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from forecaster.diagnostics.pinball import pinball_loss


def test_by_hand() -> None:
    # Quantiles 8 and 11 at 0.2 and 0.7. Outcome 10: 0.2 * 2 and 0.3 * 1. Outcome 12: 0.2 * 4 and 0.7 * 1.
    loss = pinball_loss(np.array([[8.0, 8.0], [11.0, 11.0]]), np.array([10.0, 12.0]), (0.2, 0.7))
    assert loss == pytest.approx([0.35, 0.75], rel=1e-12)


def test_scikit_learn_gives_the_same() -> None:
    random = np.random.default_rng(3)
    quantiles, actual = random.normal(size=(3, 4, 50)), random.normal(size=(4, 50))
    levels = (0.1, 0.5, 0.8)
    found = pinball_loss(quantiles, actual, levels)
    assert found.shape == (4, 50)
    expected = [
        np.mean([mean_pinball_loss(actual[row], quantiles[at, row], alpha=level) for at, level in enumerate(levels)])
        for row in range(4)
    ]
    assert found.mean(axis=-1) == pytest.approx(expected, rel=1e-12)


def test_over_a_fine_grid_it_is_half_the_continuous_ranked_probability_score() -> None:
    # Of a standard normal forecast at outcome x: x (2 F(x) - 1) + 2 f(x) - 1 / sqrt(pi) (Gneiting & Raftery 2007).
    levels = (np.arange(20_000) + 0.5) / 20_000
    x = np.array([-1.3, 0.0, 2.1])
    quantiles = np.broadcast_to(stats.norm.ppf(levels)[:, None], (20_000, 3))
    expected = x * (2 * stats.norm.cdf(x) - 1) + 2 * stats.norm.pdf(x) - 1 / np.sqrt(np.pi)
    assert 2 * pinball_loss(quantiles, x, levels.tolist()) == pytest.approx(expected, rel=1e-4)


def test_an_unknown_quantile_makes_the_loss_unknown() -> None:
    loss = pinball_loss(np.array([[8.0, np.nan], [11.0, 11.0]]), np.array([10.0, 12.0]), (0.2, 0.7))
    assert np.isnan(loss).tolist() == [False, True]


def test_quantiles_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected quantiles of shape \(2, 5\), received \(5, 2\)"):
        pinball_loss(np.ones((5, 2)), np.ones(5), (0.2, 0.7))
