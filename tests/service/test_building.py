"""Answers that are made in a process of its own are those that are made here."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import date
from pathlib import Path

import pytest

from forecaster.noted import Noted, noted
from forecaster.registry import Registry
from forecaster.version import CHAMPION
from service.app import create_app
from service.builder import Builder, BuilderEnded
from service.model_host import ModelHost
from tests.service.asking import FRIDAY, Clock, ask, assert_problem, host_of, loaded, settings
from tests.service.test_host import broken_registry, bundle_of, flip_a_byte
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


def begun(home: Path) -> ModelHost:
    """A host whose other process had its order before anything else was known."""
    where = settings(home, build_apart_rows=0)
    builder = Builder()
    builder.begin((where, FRIDAY))
    return ModelHost(where, Clock(), builder)


def note_of(home: Path) -> Noted | None:
    where = settings(home)
    return noted(where.artifacts, where.registry_file, "next-close")


def registry_of(home: Path) -> Registry:
    where = settings(home)
    return Registry(where.registry_uri, where.artifacts, where.model)


def test_the_first_answers_are_begun_with_what_was_noted(home: Path) -> None:
    found = note_of(home)
    assert found is not None
    assert (found.version, found.path) == (registry_of(home).by_alias(), bundle_of(home))
    host = begun(home)
    host.refresh()
    assert host.outcomes == {"rebuilt": 1, "unchanged": 0, "failed": 0}
    assert host.current().version == registry_of(home).by_alias()
    early = create_app(settings(home), clock=Clock(), host=host)
    for path in ("/v1/forecasts/AAPL", "/v1/diagnostics/AAPL", "/v1/symbols"):
        assert ask(early, path).content == ask(loaded(home), path).content
    host.refresh()
    assert host.outcomes["unchanged"] == 1


def test_a_note_that_is_current_spares_the_registry_at_the_start(home: Path, tmp_path: Path) -> None:
    registry_of(home).by_alias()  # another model was registered since
    found = note_of(home)
    assert found is not None
    assert found.current
    host = begun(home)
    host.registry = Registry(broken_registry(tmp_path), tmp_path, "next-close")
    host.refresh()
    assert host.current().version == found.version
    host.refresh()  # from then on it is asked
    assert host.current().forecasts["AAPL"].body.endswith(b'so that a newer model may be missing"}')


def test_whatever_is_written_to_the_registry_makes_a_note_a_guess_until_it_is_asked(home: Path) -> None:
    registry_of(home).register(bundle_of(home), params={}, metrics={}, curves={}, tags={})
    found = note_of(home)
    assert found is not None
    assert not found.current
    registry_of(home).by_alias()
    again = note_of(home)
    assert again is not None
    assert again.current


def test_the_registry_has_the_last_word_on_what_was_noted(home: Path) -> None:
    registry = registry_of(home)
    other = registry.register(bundle_of(home), params={}, metrics={}, curves={}, tags={})
    registry.set_alias(CHAMPION, other)  # as other programs do, which note nothing
    host = begun(home)
    host.refresh()
    assert host.current().version.version == other.version == "2"


def test_without_a_note_the_registry_is_asked(home: Path) -> None:
    (home / "registry" / "next-close.serves.json").write_text("{", encoding="utf-8")
    assert note_of(home) is None
    host = begun(home)
    host.refresh()
    assert host.current().version.version == "1"


def test_what_was_begun_is_taken_once_there_is_a_registry(home: Path, tmp_path: Path) -> None:
    registry_of(home).register(bundle_of(home), params={}, metrics={}, curves={}, tags={})  # the note is none any more
    host = begun(home)
    working = host.registry
    host.registry = Registry(broken_registry(tmp_path), tmp_path, "next-close")
    host.refresh()
    assert host.snapshot is None
    host.registry = working
    host.refresh()
    assert host.current().version.version == "1"
