"""Every combination that a `ModelSpec` allows, in small."""

from __future__ import annotations

from hypothesis import strategies as st

from data.features import FEATURES
from forecaster.spec import ModelSpec
from tests.forecaster.networks.equations import CELLS


def levels(most: int = 6) -> st.SearchStrategy[tuple[float, ...]]:
    """Quantile levels, symmetric around 0.5: up to so many on either side."""

    def both_sides(lower: list[int]) -> tuple[float, ...]:
        below = [one / 1000 for one in sorted(lower)]
        return (*below, 0.5, *(1 - one for one in reversed(below)))

    return st.lists(st.integers(1, 499), min_size=1, max_size=most, unique=True).map(both_sides)


rates = st.sampled_from([0.0, 0.3]) | st.floats(0, 1, exclude_max=True)


def model_specs(
    *, layers: int = 3, units: int = 8, lookback: int = 12, horizon: int = 3
) -> st.SearchStrategy[ModelSpec]:
    """Specs up to these sizes."""
    return st.builds(
        ModelSpec,
        cell=st.sampled_from(CELLS),
        units=st.lists(st.integers(1, units), min_size=1, max_size=layers).map(tuple),
        bidirectional=st.booleans(),
        attention=st.booleans(),
        dropout=rates,
        recurrent_dropout=rates,
        initialiser=st.sampled_from(["glorot", "torch"]),
        lookback=st.integers(2, lookback),
        horizon=st.integers(1, horizon),
        features=st.lists(st.sampled_from(sorted(FEATURES)), min_size=1, max_size=6, unique=True).map(tuple),
        scaling=st.sampled_from(["window", "series"]),
        target=st.sampled_from(["change", "level"]),
        unit=st.sampled_from(["volatility", "range"]),
        quantiles=levels(),
    )
