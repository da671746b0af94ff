"""The newest forecasts from as little history as decides them are those from all of it, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from data.scaling import WindowScaling
from data.sessions import Calendars
from data.store import PriceStore
from forecaster import newest
from forecaster.calibration import Calibration
from forecaster.model import Model
from forecaster.newest import newest_calibration, newest_forecasts
from forecaster.spec import DEFAULT_FEATURES, ModelSpec
from tests.forecaster.markets import make_bars, walk
from tests.forecaster.predictors import Mixing

SESSIONS = 900
CALENDARS = Calendars()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PriceStore:
    """Nine shares: one rests for most of the time, one has left, one is new, one too new."""
    closes = {f"{600_000 + number:06d}.SH": walk(number, SESSIONS) for number in range(6)}
    closes["600001.SH"][380:880] = np.nan
    closes["600002.SH"] = closes["600002.SH"][:400]
    listed = {"600100.SH": SESSIONS - 60, "600101.SH": SESSIONS - 5}
    closes |= {symbol: walk(50, SESSIONS - begin) for symbol, begin in listed.items()}
    made = PriceStore(tmp_path_factory.mktemp("store"))
    made.upsert(make_bars(closes, listed=listed))
    return made


def model(features: tuple[str, ...], through: str) -> Model:
    spec = ModelSpec(units=(1,), lookback=20, features=features)
    steps = np.full((1, 9), 0.002)
    steps[:, spec.median] = 0.0
    before = Calibration(np.linspace(-0.1, 0.1, 9)[None], 100, steps, np.datetime64("2022-06-01"))
    after = Calibration(np.linspace(-0.2, 0.2, 9)[None], 100, steps, np.datetime64(through))
    universe = tuple(f"{600_000 + number:06d}.SH" for number in range(5))
    return Model(spec, WindowScaling(), after, Mixing(1, 9), universe, before)


@pytest.mark.parametrize("through", ["2022-12-30", "2023-06-15", "2030-01-01"])
@pytest.mark.parametrize("features", [DEFAULT_FEATURES, ("close", "universe_surge", "excess_week")])
@pytest.mark.parametrize(("size", "read"), [(2, 5), (400, 2000)])
def test_as_from_the_whole_histories(
    store: PriceStore, features: tuple[str, ...], through: str, size: int, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "SLICE", size)
    monkeypatch.setattr(newest, "READ", read)
    asked = model(features, through)
    version = store.version()
    assert version is not None
    summary = store.summary(version)
    calibration = newest_calibration(asked, store, summary, version)
    found = dict(newest_forecasts(asked, store, CALENDARS, summary, version, calibration))
    expected = asked.forecasts(store.read(), CALENDARS)
    assert list(found) == list(expected)
    assert sum(isinstance(one, Exception) for one in expected.values()) == 1  # the one that is too new
    for symbol, one in expected.items():
        other = found[symbol]
        if isinstance(one, Exception):
            assert (type(other), str(other)) == (type(one), str(one))
        else:
            assert not isinstance(other, Exception)
            assert (other.as_of, other.target_sessions, other.last_close) == (
                one.as_of,
                one.target_sessions,
                one.last_close,
            )
            assert np.array_equal(other.quantiles, one.quantiles)


def test_only_what_decides_is_read(store: PriceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, read = model(DEFAULT_FEATURES, "2023-06-15"), 0
    whole = PriceStore.read

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal read
        bars = whole(*args, **kwargs)  # type: ignore[arg-type]
        read += len(bars)
        return bars

    version = store.version()
    assert version is not None
    summary = store.summary(version)
    monkeypatch.setattr(PriceStore, "read", counted)
    list(newest_forecasts(asked, store, CALENDARS, summary, version, asked.calibration))
    assert read < 0.75 * summary["sessions"].sum()
