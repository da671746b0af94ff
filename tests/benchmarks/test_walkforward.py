import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.walkforward import garch
from benchmarks.walkforward.command import main
from benchmarks.walkforward.ewma import Ewma, ewma_variance
from benchmarks.walkforward.field import Foreign
from benchmarks.walkforward.forecasts import LEVELS, Unavailable, column
from benchmarks.walkforward.garch import Garch, Garch11, variances
from benchmarks.walkforward.naive import Naive
from benchmarks.walkforward.running import walk
from benchmarks.walkforward.trial import SpanError, make_trial
from data.bars import validate

DAYS = pd.bdate_range("2018-01-01", periods=420)
SPAN = 60


def market() -> pd.DataFrame:
    """Seven symbols: two listed late, one of them just before the test span; one misses days, one never moves."""
    random = np.random.default_rng(11)
    pieces = []
    for number in range(7):
        close = 50 * np.exp(np.cumsum(random.standard_t(5, len(DAYS)) * 0.01))
        first = {4: 250, 5: 345}.get(number, 0)
        own = pd.DataFrame({"symbol": f"S{number}", "session": DAYS, "close": 50.0 if number == 6 else close})[first:]
        pieces.append(own.drop(own.index[::9]) if number == 3 else own)
    table = pd.concat(pieces, ignore_index=True)
    return table.assign(open=table["close"], high=table["close"], low=table["close"], volume=1000, adj_factor=1.0)


def trial_of(table):
    return make_trial(validate(table, source="synthetic").bars, refit=25, sessions=SPAN)


def quiet(text):
    pass


def fitted_to_all_it_gets(returns):
    return Garch11(0.05 * float(np.mean(returns**2)) + 1e-6 * len(returns), 0.1, 0.8, 5.0), 1


@pytest.fixture
def garch_without_its_package(monkeypatch):
    monkeypatch.setattr(garch, "fit", fitted_to_all_it_gets)


@pytest.mark.usefixtures("garch_without_its_package")
@pytest.mark.parametrize("forecaster", [Naive(), Ewma(), Garch()], ids=lambda one: one.name)
def test_a_changed_future_leaves_earlier_forecasts_as_they_were(forecaster):
    table = market()
    changed = table.copy()
    cut = DAYS[-SPAN // 2]  # within the second of three blocks
    later = changed["session"] > cut
    changed.loc[later, ["open", "high", "low", "close"]] *= 1.05 + 0.1 * np.arange(later.sum())[:, None] % 0.7
    before, after = (walk(forecaster, trial_of(one), LEVELS, 0, quiet).table for one in (table, changed))
    pd.testing.assert_frame_equal(before[before["origin"] <= cut], after[after["origin"] <= cut])
    moving = [one[(one["origin"] > cut) & (one["symbol"] != "S6")][column(0.05)].to_numpy() for one in (before, after)]
    assert (moving[0] != moving[1]).all()


@pytest.mark.usefixtures("garch_without_its_package")
@pytest.mark.parametrize("forecaster", [Naive(), Ewma(), Garch()], ids=lambda one: one.name)
def test_the_median_is_the_last_close(forecaster):
    trial = trial_of(market())
    made = walk(forecaster, trial, LEVELS, 0, quiet).table.merge(trial.outcomes, on=["symbol", "origin"])
    assert set(made["symbol"]) == {f"S{number}" for number in range(7)}
    np.testing.assert_allclose(made[column(0.5)], made["previous_close"], rtol=1e-12)


def test_origins_have_a_next_bar_and_blocks_know_nothing_later():
    trial = trial_of(market())
    assert [str(block.refit) for block in trial.blocks] == [str(DAYS[-SPAN - 1 + at].date()) for at in (0, 25, 50)]
    for block in trial.blocks:
        assert block.known.frame["session"].max() <= pd.Timestamp(block.refit)
        assert block.seen.frame["session"].max() == block.origins["origin"].max()
    gap = trial.outcomes[trial.outcomes["symbol"] == "S3"]
    # The next bar, not the next session: every ninth day is missing.
    assert (gap["session"].to_numpy()[:-1] == gap["origin"].to_numpy()[1:]).all()
    with pytest.raises(SpanError, match="2018-01-01 to 2019-08-09"):
        make_trial(validate(market(), source="synthetic").bars, refit=25, sessions=len(DAYS))


def test_variance_recursions_by_a_plain_loop():
    returns = np.random.default_rng(5).normal(size=90)
    parameters = Garch11(0.02, 0.07, 0.9, 6.0)
    expected = [float(np.mean(returns[:60] ** 2))]
    for one in returns:
        expected.append(0.02 + 0.07 * one**2 + 0.9 * expected[-1])
    np.testing.assert_allclose(variances(returns, parameters), expected)

    smooth = [float(np.mean(returns[:20] ** 2))]
    for one in returns[20:]:
        smooth.append(0.94 * smooth[-1] + 0.06 * one**2)
    np.testing.assert_allclose(ewma_variance(returns)[20:], smooth)


def test_a_field_forecaster_without_its_package_says_how_to_get_it():
    forecaster = Foreign("ets", "statistical", Path(sys.executable), {"kind": "ets"})
    with pytest.raises(Unavailable, match=r"statsforecast is not there.*--field-python"):
        walk(forecaster, trial_of(market()), LEVELS, 0, quiet)


def test_the_command_keeps_forecasts_and_uses_them_while_the_prices_are_the_same(tmp_path, capsys):
    file, out = tmp_path / "prices.csv", tmp_path / "out"
    market().to_csv(file, index=False)

    def run(*more):
        arguments = ["--data", str(file), "--sessions", "40", "--refit", "20", "--out", str(out), "--json", *more]
        assert main(None, arguments) == 0
        output = capsys.readouterr()
        return json.loads(output.out), output.err

    first, _ = run("--only", "naive,ewma")
    made = (out / "naive.parquet").stat().st_mtime_ns
    second, said = run("--only", "ewma")
    assert "naive: kept from before" in said
    assert (out / "naive.parquet").stat().st_mtime_ns == made
    metrics = {one["name"]: one["metrics"] for one in second["forecasters"]}
    assert metrics == {one["name"]: one["metrics"] for one in first["forecasters"]}
    assert metrics["naive"]["mae_ratio"] == 1
    assert metrics["naive"]["pinball_ratio"] is None  # without the yardstick
    assert second["left_out"]["garch"].startswith("not asked for")

    market().assign(volume=2000).to_csv(file, index=False)
    third, _ = run("--only", "ewma")
    assert [one["name"] for one in third["forecasters"]] == ["ewma"]
