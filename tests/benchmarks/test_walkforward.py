import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.walkforward.command import main
from benchmarks.walkforward.field import Foreign
from benchmarks.walkforward.registered import CLASSIC, Choice, forecasters
from benchmarks.walkforward.running import walk
from benchmarks.walkforward.trial import make_trial
from data.bars import validate
from forecaster.backtest.contestant import Network
from forecaster.baselines.protocol import LEVELS, Unavailable
from forecaster.errors import SpecError
from forecaster.spec import ModelSpec, TrainSpec, load_specs
from tests.forecaster.baselines.markets import DAYS, SPAN, market


def trial_of(table):
    return make_trial(validate(table, source="synthetic").bars, refit=25, sessions=SPAN)


def quiet(text):
    pass


def test_origins_have_a_next_bar_and_folds_are_known_at_their_first_origin():
    trial = trial_of(market())
    assert [str(span.refit) for span in trial.folds] == [str(DAYS[-SPAN - 1 + at].date()) for at in (0, 25, 50)]
    assert [span.first for span in trial.folds] == [span.refit for span in trial.folds]
    gap = trial.outcomes[trial.outcomes["symbol"] == "S3"]
    # The next bar, not the next session: every ninth day is missing.
    assert (gap["session"].to_numpy()[:-1] == gap["origin"].to_numpy()[1:]).all()
    with pytest.raises(SpecError, match="2018-01-01 to 2019-08-09"):
        make_trial(validate(market(), source="synthetic").bars, refit=25, sessions=len(DAYS))


def test_the_tutorial_is_the_classic_form_of_the_documentation():
    (tutorial,) = forecasters(["tutorial"], Choice(ModelSpec(), TrainSpec(), None))
    assert isinstance(tutorial, Network)
    assert (tutorial.spec, tutorial.training) == load_specs(CLASSIC)
    assert tutorial.spec.target == "level"


def test_a_field_forecaster_without_its_package_says_how_to_get_it():
    forecaster = Foreign("autoets", "statistical", Path(sys.executable), {"kind": "ets"})
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
    made = (out / "naive-fold-2.parquet").stat().st_mtime_ns
    second, said = run("--only", "ewma")
    assert "naive: kept from before" in said
    assert (out / "naive-fold-2.parquet").stat().st_mtime_ns == made
    metrics = {one["name"]: one["metrics"] for one in second["forecasters"]}
    assert metrics == {one["name"]: one["metrics"] for one in first["forecasters"]}
    assert metrics["naive"]["mae_ratio"] == 1
    assert metrics["naive"]["pinball_ratio"] is None  # without the yardstick
    assert second["left_out"]["garch"].startswith("not asked for")
    _, said = run("--only", "ewma", "--reuse")
    assert "ewma, fold 2 of 2: kept from before" in said

    market().assign(volume=2000).to_csv(file, index=False)
    third, _ = run("--only", "ewma")
    assert [one["name"] for one in third["forecasters"]] == ["ewma"]


def test_a_forecast_that_is_none_ends_the_walk():
    class Wrong:
        name, seeded = "wrong", False

        def settings(self):
            return {}

        def fit_predict(self, fold, levels, seed, say):
            made = forecasters(["naive"], Choice(ModelSpec(), TrainSpec(), None))[0].fit_predict(
                fold, levels, seed, say
            )
            return type(made)(made.table.assign(**{"0.5": np.nan}))

    with pytest.raises(ValueError, match="wrong, fold 1 of 3: expected every quantile to be a price"):
        walk(Wrong(), trial_of(market()), LEVELS, 0, quiet)
