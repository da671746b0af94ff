from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.bars import Bars
from data.errors import TooFewBars
from data.scaling import LEAST_RANGE, WindowScaling
from data.windows import panel
from forecaster.calibration import Calibration
from forecaster.diagnostics.drift import LEAST_OUTCOMES, change_of_ratio, stability
from forecaster.drift import FALSE_ALARMS, SESSIONS, Drift, drift, to_dict, watched
from forecaster.evidence import evidence
from forecaster.model import Model
from forecaster.spec import ModelSpec
from tests.forecaster.markets import Floats, make_bars, until
from tests.forecaster.predictors import Constant

LEVELS = (0.1, 0.5, 0.9)
FEATURES = ("close", "move", "close_position", "highest_move")
SPEC = ModelSpec(units=(1,), lookback=5, features=FEATURES, unit="range", quantiles=LEVELS)
SYMBOLS = ("AAA", "BBB", "CCC")

# 1,000 sessions: trained on the first 800, evidence of the next 90, and 110 since.
DAYS = pd.bdate_range("2020-01-06", periods=1000)
TRAINED = str(DAYS[20].date()), str(DAYS[799].date())
LAST_EVIDENCE = DAYS[889]
THROUGH = DAYS[999].date()


def moves(seed: int, *, rise: float = 0.0, louder: float = 1.0) -> Floats:
    """Closes over `DAYS`; after the evidence they rise by so much a session, and move so many times as much."""
    steps = np.random.default_rng(seed).normal(0.0, 0.02, 1000)
    steps[890:] = steps[890:] * louder + rise
    return 100.0 * np.exp(np.cumsum(steps))


def market(**changes: float) -> Bars:
    return make_bars({symbol: moves(seed, **changes) for seed, symbol in enumerate(SYMBOLS)})


def model_of(output: tuple[float, float, float] = (-0.6, 0.1, 0.6)) -> Model:
    """Moves the last close by these parts of the window's range."""
    calibration = Calibration(np.zeros((1, 3)), 1, None, np.datetime64(LAST_EVIDENCE.date()))
    return Model(SPEC, WindowScaling(), calibration, Constant([output]), universe=SYMBOLS)


def evidence_of(model: Model, bars: Bars) -> pd.DataFrame:
    windows = model.windows(until(bars, LAST_EVIDENCE))
    windows = windows.take(windows.known)
    return evidence(model, windows, np.flatnonzero(windows.origin >= np.datetime64(DAYS[799].date())))[0]


@dataclass
class Saved:
    """A bundle, without files."""

    of: Model
    table: pd.DataFrame
    training: Mapping[str, str]

    @property
    def manifest(self) -> dict[str, Any]:
        return {"training": self.training}

    def model(self, *, threads: int) -> Model:
        return self.of

    def evidence(self) -> pd.DataFrame:
        return self.table


def drift_of(bars: Bars, through: date = THROUGH, model: Model | None = None) -> Drift:
    model = model or model_of()
    training = {"first": TRAINED[0], "weights_through": TRAINED[1], "trained_through": str(LAST_EVIDENCE.date())}
    return drift(Saved(model, evidence_of(model, bars), training), bars, through)


@pytest.fixture(scope="module")
def unchanged() -> Drift:
    return drift_of(market())


def test_the_spans(unchanged: Drift) -> None:
    assert unchanged.through == THROUGH
    assert unchanged.reference is not None
    assert unchanged.recent is not None
    assert unchanged.errors is not None
    assert (unchanged.reference.first, unchanged.reference.last) == (DAYS[20].date(), DAYS[799].date())
    assert (unchanged.recent.first, unchanged.recent.last) == (DAYS[1000 - SESSIONS].date(), DAYS[999].date())
    # The evidence is of the sessions after its origins, the last of which is the one before the newest.
    before, after = unchanged.errors.before, unchanged.errors.after
    assert (before.first, before.last, before.sessions) == (DAYS[800].date(), DAYS[889].date(), 90)
    assert (after.first, after.last, after.sessions) == (DAYS[890].date(), DAYS[999].date(), 110)


def test_prices_as_before_have_not_drifted(unchanged: Drift) -> None:
    assert unchanged.drifted == ()
    assert [one.feature for one in unchanged.features] == list(FEATURES)
    assert [one.drifted for one in unchanged.features] == [False, False, None, False]
    # Made-up bars close in the same place of their range every day.
    assert unchanged.features[2].psi is None


def test_a_feature_is_compared_as_the_network_gets_it() -> None:
    bars = market()
    rows = panel(bars, ("move", "highest_move"))  # free of units: the network gets them as they are
    trained = (rows.session >= np.datetime64(TRAINED[0])) & (rows.session <= np.datetime64(TRAINED[1]))
    newest = rows.session >= DAYS[1000 - SESSIONS].to_datetime64()
    found = {one.feature: one for one in drift_of(bars).features}
    for position, name in enumerate(("move", "highest_move")):
        values = rows.values[:, position].astype(np.float32).astype(np.float64)
        expected = stability(
            *(values[trained], rows.session[trained], values[newest], rows.session[newest]),
            alpha=FALSE_ALARMS / len(FEATURES),
        )
        assert expected is not None
        assert (found[name].psi, found[name].threshold) == pytest.approx((expected.psi, expected.threshold))


def test_a_planted_drift_of_inputs_is_named() -> None:
    # A steady rise moves the daily move, and puts the newest close at the top of its window.
    found = drift_of(market(rise=0.03))
    assert {"close", "move"} <= set(found.drifted)
    assert "close_position" not in found.drifted


def test_errors_by_hand(unchanged: Drift) -> None:
    bars, model = market(), model_of()
    table = evidence_of(model, bars)
    errors = {"before": [], "after": []}
    naive = {"before": [], "after": []}
    closes = {symbol: moves(seed) for seed, symbol in enumerate(SYMBOLS)}
    for day in range(800, 1000):
        model_miss, naive_miss = [], []
        for symbol, close in closes.items():
            own = table[table["symbol"] == symbol]
            unit = ((own["actual"] - own["previous_close"]).abs() / own["previous_close"]).mean()
            window = close[day - 5 : day]
            width = max(window.max() - window.min(), LEAST_RANGE * close[day - 1])
            forecast = close[day - 1] + 0.1 * width
            model_miss.append(abs(forecast - close[day]) / close[day - 1] / unit)
            naive_miss.append(abs(close[day - 1] - close[day]) / close[day - 1] / unit)
        span = "before" if day < 890 else "after"
        errors[span].append(np.mean(model_miss))
        naive[span].append(np.mean(naive_miss))
    found = unchanged.errors
    assert found is not None
    assert found.symbols == 3
    assert found.ratio == pytest.approx(np.mean(errors["after"]) / np.mean(errors["before"]), rel=1e-5)
    assert found.naive_ratio == pytest.approx(np.mean(naive["after"]) / np.mean(naive["before"]), rel=1e-9)
    expected = change_of_ratio(
        (np.array(errors["before"]), np.array(naive["before"])), (np.array(errors["after"]), np.array(naive["after"]))
    )
    assert expected is not None
    assert found.versus_naive is not None
    assert found.versus_naive.before == pytest.approx(expected.before, rel=1e-5)
    assert found.versus_naive.after == pytest.approx(expected.after, rel=1e-5)
    assert found.versus_naive.p_value == pytest.approx(expected.p_value, rel=1e-3)


def test_a_model_that_bets_on_a_rise_is_worse_when_prices_fall() -> None:
    found = drift_of(market(rise=-0.03))
    assert found.errors is not None
    assert found.errors.versus_naive is not None
    assert found.errors.versus_naive.worse
    assert found.drifted[-1] == "errors"
    better = drift_of(market(rise=0.03)).errors
    assert better is not None
    assert better.versus_naive is not None
    assert better.versus_naive.p_value < 0.01
    assert not better.versus_naive.worse


def test_a_louder_market_is_no_worse_model() -> None:
    found = drift_of(market(louder=3.0))
    assert found.errors is not None
    assert found.errors.ratio == pytest.approx(3.0, rel=0.25)
    assert found.errors.naive_ratio == pytest.approx(found.errors.ratio, rel=0.1)
    # The interval of this model is a part of the window's range and grows with it.
    assert not found.errors.drifted


def test_what_comes_later_is_not_looked_at(unchanged: Drift) -> None:
    bars = market()
    day = DAYS[979]
    assert drift_of(until(bars, day), day.date()) == drift_of(market(), day.date())
    changed = bars.frame.copy()
    later = changed["session"] > day
    for name in ("open", "high", "low", "close"):
        changed.loc[later, name] *= 5.0
    assert drift_of(Bars(changed), day.date()) == drift_of(bars, day.date())
    assert drift_of(Bars(changed)) != unchanged


def test_insufficient_data_has_no_figures() -> None:
    bars = market()
    at_evidence = drift_of(bars, LAST_EVIDENCE.date())
    assert at_evidence.errors is None
    assert at_evidence.features[1].psi is not None  # the evidence's sessions are after the training span
    few = drift_of(bars, DAYS[889 + LEAST_OUTCOMES - 1].date())
    assert few.errors is None
    enough = drift_of(bars, DAYS[889 + LEAST_OUTCOMES].date())
    assert enough.errors is not None
    trained = drift_of(bars, DAYS[799].date())
    assert trained.recent is None
    assert {one.psi for one in trained.features} == {None}
    assert trained.drifted == ()


def test_no_window_at_all() -> None:
    with pytest.raises(TooFewBars):
        drift_of(market(), DAYS[2].date())


def test_the_last_close_itself_cannot_become_worse_than_itself() -> None:
    found = drift_of(market(), model=model_of((-0.6, 0.0, 0.6)))
    assert found.errors is not None
    assert found.errors.versus_naive is None
    assert found.errors.ratio == pytest.approx(found.errors.naive_ratio)


def test_intervals_without_width_are_not_judged() -> None:
    found = drift_of(market(), model=model_of((0.1, 0.1, 0.1)))
    assert found.errors is not None
    assert found.errors.versus_width is None
    assert found.errors.versus_naive is not None


def test_ready_for_json(unchanged: Drift) -> None:
    document = json.loads(json.dumps(to_dict(unchanged), allow_nan=False))
    assert document["reference"] == {"first": TRAINED[0], "last": TRAINED[1], "sessions": 780}
    assert [one["feature"] for one in document["features"]] == list(FEATURES)
    assert set(document["features"][0]) == {"feature", "psi", "expected", "threshold", "p_value", "drifted"}
    assert set(document["errors"]["versus_naive"]) == {"before", "after", "p_value"}
    assert (document["errors"]["drifted"], document["drifted"]) == (False, [])
    assert json.dumps(to_dict(drift_of(market(), DAYS[799].date())), allow_nan=False)


def test_the_symbols_that_are_watched() -> None:
    assert watched(model_of()) == SYMBOLS
