from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from forecaster.errors import RegistryUnavailable
from forecaster.runs import LiveCurves


class FakeRun:
    """A run of a registry that is away when it is told to be."""

    def __init__(self, *known: int) -> None:
        self.points: dict[int, Mapping[str, float]] = {step: {"loss": -1.0} for step in known}
        self.away = False
        self.asked = 0

    def logged(self, key: str) -> set[int]:
        self._answer()
        return {step for step, values in self.points.items() if key in values}

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._answer()
        self.points[step] = values

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise RegistryUnavailable("somewhere", "no route")


@pytest.fixture
def away() -> list[RegistryUnavailable]:
    return []


def curves(run: FakeRun, away: list[RegistryUnavailable]) -> LiveCurves:
    return LiveCurves(run, away.append)  # type: ignore[arg-type]


def test_a_point_is_there_as_soon_as_it_is_known(away: list[RegistryUnavailable]) -> None:
    run = FakeRun()
    live = curves(run, away)
    for step in (1, 2, 3):
        live.add(step, {"loss": 1 / step})
        assert run.points[step] == {"loss": 1 / step}
    assert away == []


def test_points_from_before_a_training_was_killed_are_not_sent_twice(away: list[RegistryUnavailable]) -> None:
    run = FakeRun(1, 3)
    live = curves(run, away)
    for step in (1, 2, 3, 4):
        live.add(step, {"loss": 0.5})
    assert run.points == {1: {"loss": -1.0}, 2: {"loss": 0.5}, 3: {"loss": -1.0}, 4: {"loss": 0.5}}


def test_training_goes_on_while_the_registry_is_away_and_nothing_is_lost(
    away: list[RegistryUnavailable], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    run = FakeRun()
    live = curves(run, away)
    live.add(1, {"loss": 1.0})
    run.away = True
    asked = run.asked
    for step in (2, 3, 4):
        live.add(step, {"loss": 1.0})
    # It was asked once: each try costs its time limit.
    assert (len(away), run.asked, set(run.points)) == (1, asked + 1, {1})
    now += 61
    live.add(5, {"loss": 1.0})
    assert (len(away), set(run.points)) == (2, {1})
    run.away = False
    now += 61
    live.add(6, {"loss": 1.0})
    assert list(run.points) == [1, 2, 3, 4, 5, 6]


def test_at_the_end_what_waits_is_sent_or_the_error_is_raised(away: list[RegistryUnavailable]) -> None:
    run = FakeRun()
    run.away = True
    live = curves(run, away)
    live.add(1, {"loss": 1.0})
    with pytest.raises(RegistryUnavailable):
        live.flush()
    run.away = False
    live.flush()
    assert run.points == {1: {"loss": 1.0}}
