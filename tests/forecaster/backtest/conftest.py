from __future__ import annotations

from pathlib import Path

import pytest

from data.store import PriceStore
from tests.forecaster.markets import make_bars, walk


@pytest.fixture(scope="session")
def prices(tmp_path_factory: pytest.TempPathFactory) -> PriceStore:
    """Six symbols, one of them listed late; read only."""
    store = PriceStore(tmp_path_factory.mktemp("backtest") / "prices")
    store.upsert(make_bars({f"S{k}": walk(k, 300 if k == 5 else 400) for k in range(6)}, listed={"S5": 100}))
    return store


@pytest.fixture(scope="session")
def home(prices: PriceStore) -> Path:
    """The home of that store."""
    return Path(prices.uri).parent
