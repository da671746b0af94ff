"""Loading, refreshing and failing: what is served when the model, the prices or the registry are not as they should."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from data.errors import StoreUnavailable
from data.sessions import Calendars
from data.store import PriceStore
from forecaster.registry import Registry
from service.app import create_app
from tests.service.asking import Clock, ask, assert_problem, host_of, loaded, settings
from tests.service.test_symbols import add_bars, days

FILES = ("bundle.json", "evidence.parquet", "gates.onnx", "model.keras", "model.onnx")


def bundle_of(home: Path) -> Path:
    where = settings(home)
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    return registry.bundle_path(registry.by_alias())


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)


def broken_registry(tmp_path: Path) -> str:
    """The address of a registry whose folder is a file; it holds what looks like a password."""
    (tmp_path / "file").write_text("")
    return f"sqlite:///{tmp_path}/file/secret-password/mlflow.db"


def test_before_the_first_load(trained_home: Path) -> None:
    app = create_app(settings(trained_home), clock=Clock())
    assert ask(app, "/health/live").json() == {"status": "live"}
    assert "being loaded" in assert_problem(ask(app, "/health/ready"), 503, "not-ready")["detail"]
    assert_problem(ask(app, "/v1/forecasts/AAPL"), 503, "not-ready")
    assert ask(app, "/v1/models").json() == {"models": [{"name": "next-close", "serving": None}]}


def test_no_model(tmp_path: Path) -> None:
    app = loaded(tmp_path)
    assert ask(app, "/health/live").status_code == 200
    for path in ("/health/ready", "/v1/forecasts/AAPL", "/v1/diagnostics/AAPL", "/v1/symbols"):
        assert "forecaster train" in assert_problem(ask(app, path), 503, "no-model")["detail"]


def test_no_prices(trained_home: Path, tmp_path: Path) -> None:
    app = loaded(trained_home, store=str(tmp_path / "empty"))
    assert ask(app, "/health/live").status_code == 200
    for path in ("/health/ready", "/v1/forecasts/AAPL"):
        assert "forecaster fetch" in assert_problem(ask(app, path), 503, "no-prices")["detail"]


def test_registry_away_from_the_start(trained_home: Path, tmp_path: Path) -> None:
    app = loaded(trained_home, tracking_uri=broken_registry(tmp_path))
    for path in ("/health/ready", "/v1/forecasts/AAPL"):
        response = ask(app, path)
        assert_problem(response, 503, "registry-unavailable")
        assert "secret-password" not in response.text


@pytest.mark.parametrize("file", FILES)
def test_corrupt_bundle_is_not_served(home: Path, file: str) -> None:
    flip_a_byte(bundle_of(home) / file)
    app = loaded(home)
    document = assert_problem(ask(app, "/health/ready"), 503, "unusable-model")
    assert document["file"] == file
    assert file in document["detail"]
    assert "promote" in document["detail"]
    assert_problem(ask(app, "/v1/forecasts/AAPL"), 503, "unusable-model")
    assert ask(app, "/health/live").status_code == 200


@pytest.mark.parametrize("file", FILES)
def test_old_answers_stay_when_a_refresh_finds_a_corrupt_bundle(
    home: Path, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = loaded(home)
    before = ask(app, "/v1/forecasts/AAPL").content
    flip_a_byte(bundle_of(home) / file)
    add_bars(home, "OTHER", days(date(2013, 2, 4), 26))
    with caplog.at_level(logging.WARNING):
        host_of(app).refresh()
    assert "the earlier answers stay" in caplog.text
    assert ask(app, "/v1/forecasts/AAPL").content == before
    ready = ask(app, "/health/ready")
    assert ready.status_code == 200
    assert file in ready.json()["last_error"]


def test_old_answers_stay_when_the_registry_goes_away(trained_home: Path, tmp_path: Path) -> None:
    app = loaded(trained_home)
    before = ask(app, "/v1/forecasts/AAPL")
    working = host_of(app).registry
    host_of(app).registry = Registry(broken_registry(tmp_path), tmp_path, "next-close")
    host_of(app).refresh()
    reason = "the model registry does not answer, so that a newer model may be missing"
    during = ask(app, "/v1/forecasts/AAPL")
    assert during.json() == before.json() | {"stale": True, "stale_reason": reason}
    assert during.headers["etag"] != before.headers["etag"]
    listed = {entry["symbol"]: entry for entry in ask(app, "/v1/symbols").json()["symbols"]}
    assert (listed["AAPL"]["stale"], listed["AAPL"]["stale_reason"]) == (True, reason)
    assert ask(app, "/health/ready").json()["stale"] == len(listed)
    assert "does not answer" in ask(app, "/health/ready").json()["last_error"]
    assert_problem(ask(app, "/v1/models/next-close"), 503, "registry-unavailable")

    host_of(app).registry = working
    host_of(app).refresh()
    assert ask(app, "/health/ready").json()["last_error"] is None
    assert ask(app, "/v1/forecasts/AAPL").content == before.content


def test_new_prices_are_served_while_the_registry_is_away(home: Path, tmp_path: Path) -> None:
    app = loaded(home)
    host_of(app).registry = Registry(broken_registry(tmp_path), tmp_path, "next-close")
    add_bars(home, "OTHER", days(date(2012, 1, 2), 300))
    host_of(app).refresh()
    other = ask(app, "/v1/forecasts/OTHER").json()
    assert other["stale_reason"].startswith(("the model registry", "the prices end"))
    assert other["stale"]
    assert "does not answer" in ask(app, "/health/ready").json()["last_error"]


def test_an_unforeseen_error_stays_inside(trained_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    def clock() -> None:
        raise ZeroDivisionError("a secret")

    app = create_app(settings(trained_home), clock=clock)  # type: ignore[arg-type]  # the error is the point
    host_of(app).refresh()
    response = ask(app, "/health/ready")
    assert_problem(response, 503, "not-ready")
    assert "secret" not in response.text
    assert "ZeroDivisionError: a secret" in caplog.text


def test_a_refresh_picks_up_new_prices(home: Path) -> None:
    app = loaded(home)
    assert_problem(ask(app, "/v1/forecasts/OTHER"), 404, "unknown-symbol")
    version = ask(app, "/health/ready").json()["data_version"]
    add_bars(home, "OTHER", days(date(2013, 2, 4), 26))
    host_of(app).refresh()
    assert ask(app, "/v1/forecasts/OTHER").status_code == 200
    assert ask(app, "/health/ready").json()["data_version"] == version + 1
    assert version + 1 == PriceStore(settings(home).store_uri).version()


def test_a_refresh_without_news_builds_nothing(trained_home: Path) -> None:
    app = loaded(trained_home)
    held = host_of(app).snapshot
    host_of(app).refresh()
    assert host_of(app).snapshot is held
    assert host_of(app).outcomes == {"rebuilt": 1, "unchanged": 1, "failed": 0}


def test_a_refresh_notices_new_calendars_under_the_same_prices(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_bars(home, "LATE", days(date(2030, 12, 6), 26))
    app = loaded(home)
    assert_problem(ask(app, "/v1/forecasts/LATE"), 503, "calendar-bounds")
    before = ask(app, "/health/ready").json()["data_version"]

    # 1 January 2031 is a holiday, and a Wednesday. On the Friday of 2013 it is, nothing else becomes due by it.
    told = pd.DataFrame(
        {"exchange": "XNYS", "day": pd.date_range("2031-01-01", "2031-01-02"), "is_open": [False, True]}
    )
    monkeypatch.setattr(PriceStore, "calendars", lambda self: Calendars(told))
    host_of(app).refresh()
    assert ask(app, "/v1/forecasts/LATE").json()["target_session"] == "2031-01-02"
    assert ask(app, "/health/ready").json()["data_version"] == before
    assert host_of(app).outcomes == {"rebuilt": 2, "unchanged": 0, "failed": 0}

    # Read anew every time, and the same each time.
    host_of(app).refresh()
    assert host_of(app).outcomes == {"rebuilt": 2, "unchanged": 1, "failed": 0}


def test_old_answers_stay_when_the_calendars_cannot_be_read(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(store: PriceStore) -> Calendars:
        raise StoreUnavailable(store.uri, "it is away")

    app = loaded(trained_home)
    before = ask(app, "/v1/forecasts/AAPL").json()
    monkeypatch.setattr(PriceStore, "calendars", broken)
    host_of(app).refresh()
    reason = "the price store cannot be read, so that newer prices may be missing"
    assert ask(app, "/v1/forecasts/AAPL").json() == before | {"stale": True, "stale_reason": reason}
    assert "FORECASTER_STORE" in ask(app, "/health/ready").json()["last_error"]


def test_a_service_that_waited_for_its_model_finds_it(home: Path) -> None:
    where = settings(home)
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    champion = registry.by_alias()
    waiting = loaded(home, model="another-name")
    assert_problem(ask(waiting, "/health/ready"), 503, "no-model")
    other = Registry(where.registry_uri, where.artifacts, "another-name")
    made = other.register(registry.bundle_path(champion), params={}, metrics={}, curves={}, tags={})
    other.promote(made)
    host_of(waiting).refresh()
    assert ask(waiting, "/v1/forecasts/AAPL").json()["model"]["name"] == "another-name"
    assert ask(waiting, "/health/ready").json()["last_error"] is None
