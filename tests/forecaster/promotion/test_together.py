from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from data.store import PriceStore
from forecaster.bundle import Bundle, read_bundle
from forecaster.diagnostics.long_run import automatic_lags
from forecaster.experiment import run_experiment
from forecaster.promotion.together import Together, compared, together
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, TrainSpec
from tests.forecaster.markets import make_bars, walk

SPEC = ModelSpec(units=(3,), lookback=4, features=("close", "move"), quantiles=(0.1, 0.5, 0.9))
TRAINING = TrainSpec(epochs=2, batch=32, validation=30, test=40, seed=5, learning_rate=0.01)


class Place:
    """Two versions of one model on the same prices: the older one has learnt from 40 sessions less."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = PriceStore(folder / "prices")
        self.store.upsert(make_bars({"AAA": walk(1, 260), "BBB": walk(2, 260), "CCC": walk(3, 180)}))
        self.older = self.trained(SPEC, replace(TRAINING, test=80))
        self.newer = self.trained(replace(SPEC, lookback=6, quantiles=(0.1, 0.25, 0.5, 0.75, 0.9)), TRAINING)

    def trained(self, spec: ModelSpec, training: TrainSpec) -> Bundle:
        registry = Registry(f"sqlite:///{self.folder / 'mlflow.db'}", self.folder / "models", "next-close")
        return read_bundle(registry.bundle_path(run_experiment(self.store, registry, spec, training).version))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("together"))


def relative(table: pd.DataFrame, levels: tuple[float, ...], prefix: str = "") -> pd.Series[float]:
    """The mean pinball loss of each row, relative to the last close, by its definition."""
    total = 0.0
    for level in levels:
        error = (table["actual"] - table[f"{prefix}{level:g}"]) / table["previous_close"]
        total = total + np.where(error >= 0, level * error, (level - 1) * error)
    return pd.Series(total / len(levels), index=table.index)


def test_both_are_judged_on_the_sessions_that_neither_has_seen(place: Place) -> None:
    found = together(place.newer, place.older, place.store)
    own = place.newer.evidence()
    assert found.span is not None
    assert (found.span.sessions, found.span.forecasts) == (40, len(own))
    assert (found.span.first, found.span.last) == (own["session"].min().date(), own["session"].max().date())
    # The older version's own held-out span holds the same sessions: it says there what it is asked here.
    other = place.older.evidence().merge(own[["symbol", "origin"]], on=["symbol", "origin"])
    assert len(other) == len(own)
    shared = (0.1, 0.5, 0.9)
    expected = relative(own, shared).mean() / relative(other, shared).mean()
    assert found.versus_champion is not None
    assert found.versus_champion.ratio == pytest.approx(expected, rel=1e-12)
    levels = (*shared, 0.25, 0.75)
    assert found.versus_naive is not None
    assert found.versus_naive.ratio == pytest.approx(
        relative(own, levels).mean() / relative(own, levels, "naive ").mean(), rel=1e-12
    )
    inside = (own["0.1"] <= own["actual"]) & (own["actual"] <= own["0.9"])
    assert found.coverage is not None
    assert (found.coverage.promised, found.coverage.observed) == (0.8, pytest.approx(inside.mean()))


def test_what_the_champion_has_learnt_from_does_not_count(place: Place) -> None:
    # The newer one as the champion: it has learnt from the first 40 of the older one's held-out sessions.
    found = together(place.older, place.newer, place.store)
    assert found.span is not None
    assert str(found.span.first) > place.newer.trained_through
    # Its own held-out span, and the session of the gap before it.
    assert found.span.sessions == 41


def test_a_version_against_itself_shows_no_difference(place: Place) -> None:
    found = together(place.newer, place.newer, place.store)
    assert found.versus_champion is not None
    assert found.versus_champion.ratio == pytest.approx(1.0, rel=1e-12)
    assert found.versus_champion.p_value is None


def test_prices_after_the_challengers_training_change_nothing(place: Place, tmp_path: Path) -> None:
    before = together(place.newer, place.older, place.store)
    later = walk(1, 300) * 3.0
    place.store.upsert(make_bars({"AAA": later, "BBB": walk(9, 300)}))
    assert together(place.newer, place.older, place.store) == before


def test_without_a_champion_the_whole_held_out_span_counts(place: Place) -> None:
    found = together(place.older, None, place.store)
    assert found.span is not None
    assert (found.span.sessions, found.versus_champion) == (80, None)


def test_without_a_session_in_common_nothing_is_known(place: Place) -> None:
    manifest = {**place.older.manifest}
    manifest["training"] = {**manifest["training"], "trained_through": "2999-12-31"}
    assert together(place.newer, Bundle(place.older.path, manifest), place.store) == Together(None, None, None, None)


@pytest.mark.parametrize("seed", range(5))
def test_the_p_value_counts_sessions_and_not_forecasts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sessions = pd.Series(np.repeat(pd.date_range("2026-01-05", periods=70), 8))
    common = np.repeat(rng.gamma(2.0, 1.0, 70), 8)  # what all symbols of a session share
    others = common + rng.gamma(1.0, 0.2, 560)
    losses = others * np.repeat(rng.normal(0.99, 0.05, 70), 8)
    found = compared(losses, others, sessions)
    ratio = losses.sum() / others.sum()
    # The delta method: the mean of (a - R b) / mean b, its error by statsmodels' HAC estimator.
    totals = pd.DataFrame({"a": losses, "b": others}).groupby(sessions.to_numpy()).sum()
    left = ((totals["a"] - ratio * totals["b"]) / totals["b"].mean()).to_numpy()
    fit = sm.OLS(left, np.ones(70)).fit(
        cov_type="HAC", cov_kwds={"maxlags": automatic_lags(70), "use_correction": True}
    )
    assert found.ratio == pytest.approx(ratio, rel=1e-12)
    assert found.error == pytest.approx(float(fit.bse[0]), rel=1e-9)
    assert found.p_value == pytest.approx(stats.t.cdf((ratio - 1) / fit.bse[0], 69), rel=1e-9)
