"""Prices that are newer than the model: the service, one symbol asked for and all of them say the same."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from data.bars import validate
from data.store import PriceStore
from forecaster.bundle import read_bundle
from forecaster.cli.main import main
from forecaster.forecast import Forecast
from tests.service.asking import Clock, ask, loaded, settings
from tests.service.test_forecasts import SYMBOLS
from tests.service.test_host import bundle_of

NEWER = pd.bdate_range("2013-03-04", periods=12)


def trade_on(home: Path) -> None:
    """Twelve more sessions of all symbols: wilder ones than the model has seen."""
    store = PriceStore(settings(home).store_uri)
    last = store.read().frame.groupby("symbol").last()
    tables = []
    for position, (symbol, row) in enumerate(last.iterrows()):
        close = row["close"] * np.exp(np.cumsum(np.random.default_rng(position).normal(0, 0.06, len(NEWER))))
        prices = {"open": close * 0.99, "high": close * 1.03, "low": close * 0.96, "close": close}
        tables.append(
            pd.DataFrame(prices).assign(
                symbol=str(symbol), session=NEWER, volume=row["volume"], adj_factor=row["adj_factor"]
            )
        )
    checked = validate(pd.concat(tables), source="test")
    assert checked.quarantine.empty
    store.upsert(checked.bars)


def predicted(home: Path, *arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["predict", *arguments, "--json"], env={"FORECASTER_HOME": str(home)})
    assert done.exit_code == 0, done.output
    return {one["symbol"]: one for one in json.loads(done.output)["forecasts"]}


@pytest.fixture(scope="module")
def newer_home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    home = Path(shutil.copytree(trained_home, tmp_path_factory.mktemp("newer") / "home"))
    trade_on(home)
    return home


def test_all_ways_of_asking_give_the_same_figures(newer_home: Path) -> None:
    app = loaded(newer_home, Clock(datetime(2013, 3, 19, 21, 30, tzinfo=UTC)))
    together = predicted(newer_home, "--universe", "all")
    assert tuple(together) == SYMBOLS
    for symbol in SYMBOLS:
        (alone,) = predicted(newer_home, symbol).values()
        served = ask(app, f"/v1/forecasts/{symbol}").json()
        assert served["as_of"] == "2013-03-19"
        for other in (alone, together[symbol]):
            for name in ("as_of", "target_session", "last_close", "diagnostics", "verdict", "model"):
                assert other[name] == served[name]
            assert other["forecast"]["quantiles"] == pytest.approx(served["forecast"]["quantiles"], rel=1e-6)


def test_what_came_since_training_is_in_the_answers(newer_home: Path) -> None:
    bundle, store = read_bundle(bundle_of(newer_home)), PriceStore(settings(newer_home).store_uri)
    model = bundle.model()
    assert str(model.calibration.through) == bundle.manifest["training"]["held_out_to"] == "2013-03-01"
    now = model.calibrated(model.windows(store.read()))
    assert str(now.through) == "2013-03-19"
    # The prices were wilder than before: the interval grew at both ends.
    assert now.shift[0, 0] < model.calibration.shift[0, 0]
    assert now.shift[0, -1] > model.calibration.shift[0, -1]
    found = model.forecasts(store.read(), store.calendars())["IBM"]
    assert isinstance(found, Forecast)
    quantiles = predicted(newer_home, "IBM")["IBM"]["forecast"]["quantiles"]
    assert list(quantiles.values()) == pytest.approx(found.quantiles[0].tolist(), rel=1e-6)
