"""The champion before this one is ready to answer again."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from forecaster.errors import CorruptBundle
from forecaster.registry import Registry
from service.building import Order
from service.model_host import ModelHost
from service.snapshot import Snapshot
from service.standby import Standby
from tests.service.asking import FRIDAY, Clock, settings
from tests.service.test_host import bundle_of, flip_a_byte
from tests.service.test_symbols import add_bars, days


@pytest.fixture
def host(home: Path) -> ModelHost:
    """Of a market that counts as large; one of its symbols has no forecast, and version 2 is version 1 once more."""
    add_bars(home, "SHORT", days(date(2013, 2, 20), 5))
    made = ModelHost(settings(home, build_apart_rows=0), Clock(FRIDAY))
    made.registry.register(bundle_of(home), params={}, metrics={}, curves={}, tags={})
    made.refresh()
    return made


def order_of(host: ModelHost, made: Snapshot) -> Order:
    return Order(made.version, made.bundle.path, 1, host.store.uri, made.calendars, made.built_at)


def told(made: Snapshot) -> tuple[object, ...]:
    """All that a client can see of it."""
    answers = {symbol: one.body for symbol, one in made.forecasts.items()}
    refusals = {symbol: (type(error), str(error)) for symbol, error in made.refusals.items()}
    return made.version, answers, refusals, made.symbols.body, made.verdicts, made.stale, made.names, made.due


def test_what_was_kept_answers_as_before(host: ModelHost) -> None:
    made = host.current()
    assert "SHORT" in made.refusals
    standby = Standby()
    assert standby.take(order_of(host, made), made.data_version) is None
    standby.keep(made, 1)
    again = standby.take(order_of(host, made), made.data_version)
    assert again is not None
    assert told(again) == told(made)
    assert again.network.spec == made.network.spec
    assert standby.take(order_of(host, replace_version(host, made)), made.data_version) is None


def replace_version(host: ModelHost, made: Snapshot) -> Snapshot:
    return replace(made, loaded=replace(made.loaded, version=host.registry.get("2")))


def test_older_answers_are_not_taken(host: ModelHost) -> None:
    made = host.current()
    standby = Standby()
    standby.keep(made, 1)
    order = order_of(host, made)
    assert standby.take(order, made.data_version + 1) is None
    # On Monday evening a bar is due that these answers do not know.
    assert standby.take(replace(order, now=order.now + timedelta(days=4)), made.data_version) is None
    assert standby.take(order, made.data_version) is not None


def test_a_bundle_that_was_damaged_meanwhile_is_refused(host: ModelHost) -> None:
    made = host.current()
    standby = Standby()
    standby.keep(made, 1)
    flip_a_byte(made.bundle.path / "model.onnx")
    with pytest.raises(CorruptBundle):
        standby.take(order_of(host, made), made.data_version)


def test_going_back_makes_nothing_anew(host: ModelHost) -> None:
    first = host.current()
    registry: Registry = host.registry
    host.move_to(registry.get("2"), lambda: registry.promote(registry.get("2")))
    assert host.current().version.version == "2"
    host._builder.begin = None  # type: ignore[method-assign,assignment]  # whoever made anything would fail
    host.move_to(registry.earlier(), registry.rollback)
    again = host.current()
    assert (again.version.version, told(again)[1:]) == ("1", told(first)[1:])


def test_after_new_prices_the_champion_before_is_made_ready(
    host: ModelHost, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.model_host._QUIET_SECONDS", 0)
    registry: Registry = host.registry
    first = registry.by_alias()
    host.move_to(registry.get("2"), lambda: registry.promote(registry.get("2")))
    add_bars(home, "OTHER", days(date(2012, 1, 2), 200))
    host.refresh()
    held = host.current()
    assert host._standby.is_of(first)
    assert not host._standby.fits(held)
    host._stand_by()
    until = time.monotonic() + 60
    while not host._standby.fits(held) and time.monotonic() < until:
        time.sleep(0.05)
    again = host._standby.take(replace(order_of(host, held), version=first), held.data_version)
    assert again is not None
    assert (again.version, again.forecasts.keys()) == (first, held.forecasts.keys())
    assert "OTHER" in again.forecasts
