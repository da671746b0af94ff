"""Many tests at once: of 300 models without merit, 15 look significant at 5 %, and the best of them very much so.

Benjamini & Hochberg (1995) bound the share of false discoveries among the discoveries. It holds for independent tests
and for tests that err in the same direction together, as one-sided ones of shares on the same sessions do (Benjamini &
Yekutieli 2001). A test that could not be made is no test: NaN is neither counted nor discovered.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecaster.diagnostics.long_run import Floats

FALSE_DISCOVERIES: Final = 0.05
"""The share of discoveries that may be false, on average."""


def benjamini_hochberg(p_values: Floats, q: float = FALSE_DISCOVERIES) -> NDArray[np.bool_]:
    """`(m,)`: which tests are discoveries when at most a share `q` of discoveries may be false, on average.

    Args:
        p_values: `(m,)`, NaN where nothing could be tested.
        q: in (0, 1).

    Raises:
        ValueError: `q` or a p-value is out of its range.
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"false discoveries: expected a share in (0, 1), received {q}")
    found: NDArray[np.bool_] = adjusted(p_values) <= q  # False for NaN
    return found


def adjusted(p_values: Floats) -> Floats:
    """`(m,)`: for each test the smallest share of false discoveries at which it is a discovery; NaN stays NaN.

    Args:
        p_values: `(m,)`, NaN where nothing could be tested.

    Raises:
        ValueError: a p-value is outside 0..1, or they are not in one row.
    """
    if p_values.ndim != 1 or (p_values < 0.0).any() or (p_values > 1.0).any():
        raise ValueError(f"p-values: expected (m,) values from 0 to 1 or NaN, received {p_values}")
    result = np.full(p_values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    m = len(tested)
    order = tested[np.argsort(-p_values[tested])]  # the largest first, which has rank m
    scaled = p_values[order] * m / np.arange(m, 0, -1)
    result[order] = np.minimum.accumulate(scaled)
    return result


def one_sided(statistic: Floats, two_sided_p: Floats) -> Floats:
    """P-values of "the model is better", from a symmetric statistic that is negative where it is, and its two sides.

    Args:
        statistic: `(m,)`, such as Diebold-Mariano's; NaN where undefined.
        two_sided_p: `(m,)`.

    Returns:
        `(m,)`, NaN where either is.
    """
    half = two_sided_p / 2.0
    return np.where(np.isnan(statistic), np.nan, np.where(statistic < 0.0, half, 1.0 - half))
