"""Expected values are computed here by pandas, scipy, statsmodels and arch, from the same forecasts."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from arch.bootstrap import MCS
from scipy import stats

from forecaster.backtest.contest import NO_ARCH, REPETITIONS, SIZE, difference_test
from forecaster.backtest.estimates import ratio
from forecaster.backtest.panel import BadTable, Panel
from forecaster.backtest.printed import COLUMNS, explained, printed, sentences
from forecaster.backtest.summary import SEED, Figures, Summary, summarise
from forecaster.diagnostics.diagnostics import INSUFFICIENT
from forecaster.diagnostics.verdict import VerdictCode
from tests.forecaster.backtest.tables import LEVELS, Floats, changes, forecasts, naive, noisy, outcomes, skilled

MODELS = {"naive": naive, "noisy": noisy, "skilled": skilled, "wide": naive}
SESSIONS = 130


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    known = outcomes(8, SESSIONS, ragged=True)
    made = forecasts(known, MODELS)
    wide = made["model"] == "wide"
    made.loc[wide, ["0.05", "0.95"]] *= [0.97, 1.03]
    return made


@pytest.fixture(scope="module")
def summary(table: pd.DataFrame) -> Summary:
    return summarise(table, LEVELS)


def figures(summary: Summary, model: str) -> Figures:
    found = next(one.figures for one in summary.models if one.model == model)
    assert found is not None
    return found


def hac(values: Floats) -> tuple[float, float]:
    """Mean and standard error by statsmodels, with the lags of Newey & West (1994)."""
    lags = int(4 * (len(values) / 100) ** (2 / 9))
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    return float(fit.params[0]), float(fit.bse[0])


def daily(table: pd.DataFrame, model: str, values: Floats) -> Any:
    own = table.loc[table["model"] == model, ["session"]].assign(value=values)
    return own.groupby("session")["value"]


def pinball(r: Floats, q: Floats) -> Floats:
    error = r[:, None] - q
    return np.where(error >= 0, np.array(LEVELS) * error, (np.array(LEVELS) - 1) * error).mean(axis=1)


def test_losses_by_the_baselines(table: pd.DataFrame, summary: Summary) -> None:
    r, p, q = changes(table, "skilled")
    found = figures(summary, "skilled")
    _, _, naive_q = changes(table, "naive")
    moved = r != 0
    expected = {
        found.mae_ratio: np.abs(r - p).mean() / np.abs(r).mean(),
        found.rmse_ratio: np.sqrt(((r - p) ** 2).mean() / (r**2).mean()),
        found.r2: 1 - ((r - p) ** 2).sum() / (r**2).sum(),
        found.directional_accuracy: (np.sign(p[moved]) == np.sign(r[moved])).mean(),
        found.pinball: pinball(r, q).mean(),
        found.pinball_ratio: pinball(r, q).mean() / pinball(r, naive_q).mean(),
    }
    for one, value in expected.items():
        assert one.value == pytest.approx(value, rel=1e-9)
    assert figures(summary, "naive").directional_accuracy.value == 0.5
    assert figures(summary, "naive").mae_ratio.value == 1.0


def test_standard_errors_are_those_of_sessions(table: pd.DataFrame, summary: Summary) -> None:
    r, p, _ = changes(table, "skilled")
    a, b = (daily(table, "skilled", np.abs(one)).sum().to_numpy() for one in (r - p, r))
    _, error = hac(a - a.sum() / b.sum() * b)
    found = figures(summary, "skilled")
    assert found.mae_ratio.error == pytest.approx(error / b.mean(), rel=1e-9)
    square, change = (daily(table, "skilled", one**2).sum().to_numpy() for one in (r - p, r))
    ratio = square.sum() / change.sum()
    _, error = hac(square - ratio * change)
    assert found.r2.error == pytest.approx(error / change.mean(), rel=1e-9)
    assert found.rmse_ratio.error == pytest.approx(error / change.mean() / (2 * np.sqrt(ratio)), rel=1e-9)
    assert figures(summary, "naive").mae_ratio.error is None


def test_intervals_levels_and_quarters(table: pd.DataFrame, summary: Summary) -> None:
    r, _, q = changes(table, "noisy")
    found = figures(summary, "noisy")
    assert [one.level for one in found.intervals] == pytest.approx([0.5, 0.8, 0.9])
    for one, (low, high) in zip(found.intervals, [(2, 4), (1, 5), (0, 6)], strict=True):
        inside = (q[:, low] <= r) & (r <= q[:, high])
        assert one.observed.value == pytest.approx(inside.mean())
        assert one.width.value == pytest.approx((q[:, high] - q[:, low]).mean())
    for level, share in enumerate(found.levels):
        assert share.observed.value == pytest.approx((r < q[:, level]).mean())
    own = table[table["model"] == "noisy"]
    inside = pd.Series((q[:, 0] <= r) & (r <= q[:, 6]), index=own.index)
    expected = inside.groupby(own["session"].dt.to_period("Q").astype(str)).mean()
    assert {one.name: one.coverage.value for one in found.quarters} == pytest.approx(expected.to_dict())
    assert [one.judged for one in found.quarters] == [True, True, False]  # the last one was seen for two days
    # A close that equals the naive median counts one half below it.
    flat = table.assign(actual=table["previous_close"])
    assert figures(summarise(flat, LEVELS), "naive").levels[3].observed.value == 0.5


def test_diebold_mariano_on_sessions(table: pd.DataFrame, summary: Summary) -> None:
    r, p, q = changes(table, "skilled")
    _, _, other = changes(table, "noisy")
    found = figures(summary, "noisy").against_best
    assert found is not None
    assert found.pinball is not None
    difference = daily(table, "noisy", pinball(r, other) - pinball(r, q)).mean().to_numpy()
    mean, error = hac(difference)
    assert found.pinball.statistic == pytest.approx(mean / error, rel=1e-9)
    assert found.pinball.p_value == pytest.approx(2 * stats.t.sf(abs(mean / error), SESSIONS - 1), rel=1e-9)
    against = figures(summary, "skilled").against_baseline
    assert against is not None
    assert against.absolute is not None
    mean, error = hac(daily(table, "skilled", np.abs(r - p) - np.abs(r)).mean().to_numpy())
    assert against.absolute.statistic == pytest.approx(mean / error, rel=1e-9)
    # The same median as the baseline's, and other quantiles.
    wide = figures(summary, "wide").against_baseline
    assert wide is not None
    assert wide.absolute is None
    assert wide.squared is None
    assert wide.pinball is not None


def test_equally_good_models_differ_as_rarely_as_promised() -> None:
    """Both bet on the market as a whole: the symbols of a session are right or wrong together."""
    random = np.random.default_rng(8)
    count, symbols, simulations = 100, 10, 400
    found, counting_symbols, held = 0, 0, 0
    for _ in range(simulations):
        r = random.normal(0.0, 0.01, (count, 1)) + random.normal(0.0, 0.01, (count, symbols))
        losses = [np.abs(r - random.normal(0.0, 0.004, (count, 1))).ravel() for _ in range(2)]
        panel = Panel(
            levels=(0.5,),
            symbols=tuple(str(k) for k in range(symbols)),
            symbol=np.tile(np.arange(symbols), count),
            sessions=np.datetime64("2024-01-01", "D") + np.arange(count),
            session=np.repeat(np.arange(count), symbols),
            origin=np.datetime64("2023-12-31", "D") + np.repeat(np.arange(count), symbols),
            previous_close=np.ones(r.size),
            actual=1.0 + r.ravel(),
            models={},
            table=pd.DataFrame(),
        )
        test = difference_test(panel, *losses)
        interval = ratio(*(panel.by_session(one) for one in losses)).interval
        assert test is not None
        assert interval is not None
        found += test.p_value < 0.05
        held += interval[0] <= 1.0 <= interval[1]
        counting_symbols += stats.ttest_rel(*losses).pvalue < 0.05
    low, high = stats.binom.interval(0.999, simulations, 0.06) / np.array(simulations)
    assert low <= found / simulations <= high
    assert low <= 1.0 - held / simulations <= high
    assert counting_symbols > 4 * found


def test_one_symbol_has_the_small_sample_form(table: pd.DataFrame) -> None:
    one = table[table["symbol"] == "S0"]
    found = figures(summarise(one, LEVELS), "skilled")
    r, p, _ = changes(one, "skilled")
    # At a horizon of one session the corrected statistic is Student's of the paired differences.
    expected = stats.ttest_rel(np.abs(r - p), np.abs(r))
    assert found.against_baseline is not None
    assert found.against_baseline.absolute is not None
    assert found.against_baseline.absolute.statistic == pytest.approx(float(expected.statistic), rel=1e-9)
    assert found.against_baseline.absolute.p_value == pytest.approx(float(expected.pvalue), rel=1e-9)
    assert found.ranks is None


def test_symbols_that_beat_the_baseline() -> None:
    known = outcomes(12, 90)
    weak = forecasts(known, {"naive": naive, "weak": lambda r, random: 0.06 * r + random.normal(0.0, 0.0035, r.size)})
    p_values, better = [], []
    for symbol in sorted(set(weak["symbol"])):
        r, p, _ = changes(weak[weak["symbol"] == symbol], "weak")
        alone = stats.ttest_rel(np.abs(r - p), np.abs(r))
        p_values.append(float(stats.ttest_rel(np.abs(r - p), np.abs(r), alternative="less").pvalue))
        better.append(alone.pvalue < 0.05 and alone.statistic < 0)
    remain = (stats.false_discovery_control(p_values) <= 0.05).sum()
    found = figures(summarise(weak, LEVELS), "weak").winners
    assert found is not None
    assert (found.tested, found.beat, found.remain) == (12, sum(better), remain)
    assert 0 < found.remain < found.tested


def test_model_confidence_set(table: pd.DataFrame, summary: Summary) -> None:
    names = [one.model for one in summary.models]
    losses = []
    for name in names:
        r, _, q = changes(table, name)
        losses.append(daily(table, name, pinball(r, q)).mean().to_numpy())
    assert names == sorted(names, key=lambda name: float(np.mean(pinball(*changes(table, name)[::2]))))
    expected = MCS(np.array(losses).T, size=SIZE, reps=REPETITIONS, seed=SEED)
    expected.compute()
    for place, name in enumerate(names):
        assert figures(summary, name).confidence == pytest.approx(expected.pvalues["Pvalue"][place])
        assert figures(summary, name).may_be_best == (place in expected.included)
    assert names[0] == "skilled"
    assert not figures(summary, "noisy").may_be_best


def test_models_with_the_same_losses_share_their_place(table: pd.DataFrame) -> None:
    twin = table[table["model"] == "skilled"].assign(model="twin")
    found = summarise(pd.concat([table, twin], ignore_index=True), LEVELS)
    assert figures(found, "twin").confidence == figures(found, "skilled").confidence == 1.0
    assert "but twin may be as good" in sentences(found)[0]
    alone = summarise(table[table["model"] == "naive"], LEVELS)
    assert figures(alone, "naive").may_be_best
    assert "only model" in sentences(alone)[0]


def test_without_arch_each_is_tested_against_the_first(
    table: pd.DataFrame, summary: Summary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "arch.bootstrap")
    monkeypatch.setitem(sys.modules, "arch", None)
    found = summarise(table, LEVELS)
    assert found.note == NO_ARCH
    assert sentences(found)[-1] == NO_ARCH
    against = figures(summary, "noisy").against_best
    assert against is not None
    assert against.pinball is not None
    assert figures(found, "noisy").confidence == against.pinball.p_value


def test_lag_is_pooled_over_symbols() -> None:
    known = outcomes(5, 80)
    made = forecasts(known, {"naive": naive, "perfect": lambda r, random: r, "noisy": noisy})
    found = summarise(made, LEVELS)
    naive_lag, perfect = figures(found, "naive").lag, figures(found, "perfect").lag
    assert (naive_lag.best_lag, naive_lag.level_lag, perfect.best_lag, perfect.level_lag) == (1, 1, 0, 0)
    assert naive_lag.echo == pytest.approx(1.0)
    assert perfect.correlation == pytest.approx(1.0)
    at_two = []
    for symbol in sorted(set(made["symbol"])):
        own = made[(made["model"] == "noisy") & (made["symbol"] == symbol)]
        moves, closes = np.diff(own["0.5"]), np.diff(own["actual"])
        at_two.append(np.corrcoef(moves[2:], closes[:-2])[0, 1])
    spread = figures(found, "noisy").lag.correlogram[2]
    assert [spread.lower, spread.median, spread.upper] == pytest.approx(np.quantile(at_two, [0.25, 0.5, 0.75]))


def test_ranks_are_over_the_symbols_of_a_day(table: pd.DataFrame, summary: Summary) -> None:
    r, p, _ = changes(table, "skilled")
    own = table.loc[table["model"] == "skilled", ["origin"]].assign(r=r, p=p)
    expected = [stats.spearmanr(day["r"], day["p"]).statistic for _, day in own.groupby("origin") if len(day) >= 5]
    ranks = figures(summary, "skilled").ranks
    assert ranks is not None
    assert ranks.rank_ic == pytest.approx(np.mean(expected))
    assert figures(summary, "naive").ranks is None


def test_verdicts_are_on_the_pooled_sample(table: pd.DataFrame, summary: Summary) -> None:
    codes = {one.model: one.verdict.code for one in summary.models}
    assert codes["skilled"] == VerdictCode.BEATS_NAIVE
    assert codes["noisy"] in (VerdictCode.ECHOES_YESTERDAY, VerdictCode.WORSE_THAN_NAIVE)
    assert codes["naive"] == codes["wide"] == VerdictCode.NO_BETTER_THAN_NAIVE
    biased = table.copy()
    chosen = biased["model"] == "skilled"
    biased.loc[chosen, [f"{level:g}" for level in LEVELS]] *= 1.005
    shifted = next(one for one in summarise(biased, LEVELS).models if one.model == "skilled")
    assert VerdictCode.BIASED in shifted.verdict.codes
    # Relative to the naive forecast, whatever the others are compared with.
    other = summarise(table, LEVELS, baseline="skilled")
    assert {one.model: one.verdict.code for one in other.models} == codes
    assert figures(other, "skilled").winners is None


def test_seeds_are_averaged(table: pd.DataFrame) -> None:
    known = table[table["model"] == "naive"][["symbol", "origin", "session", "previous_close", "actual"]]
    seeds = forecasts(known, {"a": skilled, "b": skilled, "c": skilled})
    seeds = pd.concat([seeds, table[table["model"] == "naive"]], ignore_index=True)
    apart = summarise(seeds, LEVELS)
    together = summarise(
        seeds.assign(
            seed=seeds["model"].map({"a": 3, "b": 1, "c": 2, "naive": 0}),
            model=seeds["model"].replace({"a": "net", "b": "net", "c": "net"}),
        ),
        LEVELS,
    )
    net = figures(together, "net")
    ratios = [figures(apart, name).mae_ratio.value for name in "abc"]
    assert net.mae_ratio.value == pytest.approx(np.mean([one for one in ratios if one is not None]))
    assert net.over_seeds["mae_ratio"] == pytest.approx(stats.sem([one for one in ratios if one is not None]))
    ranks = [found.rank_ic for name in "abc" for found in [figures(apart, name).ranks] if found is not None]
    assert net.ranks is not None
    assert net.ranks.rank_ic == pytest.approx(np.mean(ranks))
    assert net.over_seeds["rank_ic"] == pytest.approx(stats.sem(ranks))
    assert [one.seeds for one in together.models] == [3, 1]


def test_too_few_sessions_have_no_figures(table: pd.DataFrame) -> None:
    days = np.sort(table["session"].unique())
    found = summarise(table[table["session"] <= days[58]], LEVELS)
    assert not found.sufficient
    assert {one.verdict.code for one in found.models} == {VerdictCode.INSUFFICIENT_DATA}
    document = found.to_dict()
    assert document["models"][0]["figures"] == {"status": INSUFFICIENT, "needed": 60, "sessions": 59}
    assert sentences(found) == ["insufficient data: 59 sessions, at least 60 are needed"]
    assert {len(row) for row in printed(found)} == {len(COLUMNS)}
    assert summarise(table[table["session"] <= days[59]], LEVELS).sufficient


def test_as_json_and_in_print(summary: Summary) -> None:
    text = json.dumps(summary.to_dict(), allow_nan=False)
    document = json.loads(text)
    assert document["sample"] == {
        "first": str(summary.first),
        "last": str(summary.last),
        "sessions": SESSIONS,
        "symbols": 8,
        "forecasts": summary.forecasts,
    }
    best = document["models"][0]
    assert best["figures"]["mae_ratio"]["value"] == figures(summary, "skilled").mae_ratio.value
    rows = printed(summary)
    assert [row[0] for row in rows] == ["skilled *", *(one.model for one in summary.models[1:])]
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert rows[0][-1] == "beats naive"
    first, point, *_ = sentences(summary)
    assert first.startswith("skilled is the best of 4 models, with 90 % confidence")
    assert point.startswith("Its point forecast (the median) beats yesterday's close")
    assert "held: closes within the 90 % interval" in explained(summary)


def broken(table: pd.DataFrame, fault: str) -> pd.DataFrame:
    last = table.index[-1]
    match fault:
        case "a row less":
            return table.drop(index=last)
        case "another outcome":
            return table.assign(actual=table["actual"].where(table.index != last, 1.0))
        case "twice":
            return pd.concat([table, table[table["symbol"] == "S1"]], ignore_index=True)
        case "no price":
            return table.assign(actual=table["actual"].where(table.index != last, np.nan))
        case "no quantile":
            return table.drop(columns="0.9")
        case _:
            return table[table["model"] != "naive"]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ("a row less", "model wide"),
        ("another outcome", "model wide"),
        ("twice", "model naive"),
        ("no price", "actual"),
        ("no quantile", "columns"),
        ("no baseline", "model"),
    ],
)
def test_tables_that_cannot_be_compared(table: pd.DataFrame, fault: str, field: str) -> None:
    with pytest.raises(BadTable) as caught:
        summarise(broken(table, fault), LEVELS)
    assert caught.value.field == field


def test_the_order_of_rows_does_not_matter(table: pd.DataFrame, summary: Summary) -> None:
    shuffled = table.sample(frac=1.0, random_state=3).sort_values("model", kind="stable")
    found = summarise(shuffled, LEVELS)
    for one in summary.models:
        again = figures(found, one.model)
        assert again.mae_ratio == figures(summary, one.model).mae_ratio
        assert again.lag == figures(summary, one.model).lag
