"""Answers that are made in a process of its own are those that are made here."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import date
from pathlib import Path

import pytest

from service.builder import Builder, BuilderEnded
from tests.service.asking import ask, assert_problem, host_of, loaded
from tests.service.test_host import bundle_of, flip_a_byte
from tests.service.test_symbols import add_bars, days


def test_the_same_answers_and_the_same_refusals(home: Path) -> None:
    add_bars(home, "SHORT", days(date(2013, 2, 20), 5))
    here, apart = loaded(home), loaded(home, build_apart_rows=0)
    for path in ("/v1/forecasts/AAPL", "/v1/forecasts/SHORT", "/v1/symbols", "/v1/diagnostics/MSFT", "/v1/gates/AAPL"):
        one, other = ask(here, path), ask(apart, path)
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert one.headers.get("etag") == other.headers.get("etag")
    assert_problem(ask(apart, "/v1/forecasts/SHORT"), 409, "not-enough-history")
    # New prices go the same way, with the model that is loaded already.
    add_bars(home, "OTHER", days(date(2012, 1, 2), 200))
    before = host_of(apart).current().loaded
    for app in (here, apart):
        host_of(app).refresh()
    assert ask(here, "/v1/forecasts/OTHER").content == ask(apart, "/v1/forecasts/OTHER").content
    assert host_of(apart).current().loaded is before


def test_a_damaged_bundle_is_told_as_what_it_is(home: Path) -> None:
    flip_a_byte(bundle_of(home) / "model.onnx")
    app = loaded(home, build_apart_rows=0)
    assert assert_problem(ask(app, "/health/ready"), 503, "unusable-model")["file"] == "model.onnx"


def test_a_builder_that_is_killed_leaves_the_old_answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = loaded(home, build_apart_rows=0)
    before = ask(app, "/v1/forecasts/AAPL").content
    add_bars(home, "OTHER", days(date(2012, 1, 2), 200))
    builder: Builder = host_of(app)._builder

    def kill() -> None:
        process = builder._process
        while builder._process is process:
            time.sleep(0.01)
        assert builder._process is not None
        os.kill(builder._process.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    host_of(app).refresh()
    killer.join()
    assert isinstance(host_of(app).last_error, BuilderEnded)
    assert host_of(app).last_error.code == -signal.SIGKILL  # type: ignore[union-attr]
    assert ask(app, "/v1/forecasts/AAPL").content == before
    host_of(app).refresh()
    assert ask(app, "/v1/forecasts/OTHER").status_code == 200
