from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.baselines import ets, garch, registered
from forecaster.baselines.ets import NO_FIT, Smoothing
from forecaster.baselines.garch import Garch11
from forecaster.baselines.protocol import LEVELS, Forecaster, Unavailable, check_made
from forecaster.baselines.registered import BASELINES, baseline
from forecaster.baselines.series import Array
from forecaster.diagnostics.table import column
from tests.forecaster.baselines.markets import DAYS, SPAN, forecasts, market, outcomes


def some_variance(returns: Array) -> tuple[Garch11, int]:
    return Garch11(0.05 * float(np.mean(returns**2)) + 1e-6 * len(returns), 0.1, 0.8, 5.0), 1


def some_smoothing(logs: Array) -> Smoothing:
    return Smoothing(0.9, 0.1, 0.9, float(logs[0]), 0.0, float(np.diff(logs).std()) + 1e-6 * len(logs), NO_FIT)


@pytest.fixture
def _no_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters depend on whatever is seen, and take no time."""
    monkeypatch.setattr(garch, "fit", some_variance)
    monkeypatch.setattr(ets, "fit", some_smoothing)


@pytest.mark.usefixtures("_no_optimiser")
@pytest.mark.parametrize("forecaster", BASELINES.values(), ids=lambda one: one.name)
def test_a_changed_future_leaves_earlier_forecasts_as_they_were(forecaster: Forecaster) -> None:
    table = market()
    changed = table.copy()
    cut = DAYS[-SPAN // 2]  # within the second of three folds
    later = changed["session"] > cut
    changed.loc[later, ["open", "high", "low", "close"]] *= 1.05 + 0.1 * np.arange(later.sum())[:, None] % 0.7
    before, after = (forecasts(forecaster, one) for one in (table, changed))
    pd.testing.assert_frame_equal(before[before["origin"] <= cut], after[after["origin"] <= cut], check_exact=True)
    moving = [one[(one["origin"] > cut) & (one["symbol"] != "S6")][column(0.05)].to_numpy() for one in (before, after)]
    assert (moving[0] != moving[1]).all()


@pytest.mark.usefixtures("_no_optimiser")
@pytest.mark.parametrize("name", ["naive", "ewma", "garch"])
def test_without_a_view_on_the_direction_the_median_is_the_last_close(name: str) -> None:
    made = forecasts(BASELINES[name], market()).merge(outcomes(market()), on=["symbol", "origin"])
    assert set(made["symbol"]) == {f"S{number}" for number in range(7)}
    np.testing.assert_allclose(made[column(0.5)], made["previous_close"], rtol=1e-12)


def test_a_share_that_never_moved_is_forecast_to_stay() -> None:
    table = market()
    still_one = table[table["symbol"].isin(["S6", "S0"])]
    for name in ("naive", "drift", "ewma"):
        made = forecasts(BASELINES[name], still_one)
        still = made[made["symbol"] == "S6"][[column(level) for level in LEVELS]]
        assert len(still) == SPAN
        np.testing.assert_allclose(still, 50.0, rtol=1e-12)


def test_a_baseline_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert baseline("garch").name == "garch"
    monkeypatch.setattr(registered, "find_spec", lambda name: None)
    assert baseline("naive").name == "naive"
    with pytest.raises(Unavailable, match=r"arch is not there: pip install 'stock-forecaster\[train\]'"):
        baseline("garch")


def test_what_is_no_forecast_is_refused() -> None:
    origins = pd.DataFrame({"symbol": ["A", "A"], "origin": DAYS[:2]})
    good = origins.assign(**{"0.05": 9.0, "0.5": 10.0, "0.95": 11.0})
    levels = (0.05, 0.5, 0.95)
    check_made(good, origins, levels, "x")
    for bad, message in (
        (pd.concat([good, good[:1]]), "at most once"),
        (good.assign(symbol="B"), "no others"),
        (good.assign(**{"0.05": np.nan}), "a price"),
        (good.assign(**{"0.05": 10.5}), "ascending"),
    ):
        with pytest.raises(ValueError, match=message):
            check_made(bad, origins, levels, "x")
