"""A pass, from its first step or from where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from data.clock import Clock
from data.store import PriceStore
from forecaster.errors import RegistryUnavailable
from forecaster.pipeline.due import Due, opening_after, pass_due
from forecaster.pipeline.errors import PassOutOfOrder
from forecaster.pipeline.folder import Passes
from forecaster.pipeline.order import ORDER, STEPS, StepKind
from forecaster.pipeline.performing import Ended, Here, Performer
from forecaster.pipeline.place import Train
from forecaster.pipeline.record import Pass, PassState, StepRecord, StepState
from forecaster.pipeline.supervised import Supervised
from forecaster.pipeline.training import in_own_process
from forecaster.promotion.itself import champion_of
from forecaster.registry import Registry
from forecaster.settings import Settings

# What a training that was forced makes anew.
_OF_A_TRAINING: Final = ("decide", "train", "gate", "promote", "publish")


def run_pass(
    where: Settings,
    clock: Clock,
    *,
    inline: bool = False,
    train: Train = in_own_process,
    force_train: bool = False,
    until: str | None = None,
    wait: float = 0,
    tell: Callable[[str], None] = lambda line: None,
) -> Pass:
    """Run the pass that is due now, or go on with it; where it is complete, nothing is done.

    Args:
        where: the settings; `where.model` is the model's name.
        clock: the present; a worker takes the machine's own.
        inline: perform the steps in this process and without time limits, by `clock` and with `train`.
        train: what trains a challenger, where the steps are performed here.
        force_train: have a challenger trained whatever the reasons, also where the pass is complete.
        until: stop after this step.
        wait: seconds to wait for another process that is at a pass of the model.
        tell: told what goes on, a line at a time.

    Returns:
        The record as it is then. A step that fails is told there and raises nothing.

    Raises:
        PassBusy: another process is still at a pass of the model.
        PassOutOfOrder: a later session's pass has run already.
        CorruptRecord: the record of the pass cannot be read.
        NoSessions, CalendarBounds: which pass is due cannot be told.
    """
    passes = Passes(where.home, where.model)
    with passes.held(wait) as lock:
        store = PriceStore(where.store_uri)
        due = pass_due(where, store, clock.now())
        record = _record(passes, due, where.model, clock.now())
        if force_train and not record.forced:
            record = _forced(record)
        opens = opening_after(due, store.calendars())
        if opens is not None and clock.now() < opens and _may_publish(record, where):
            record = record.changed(state=PassState.RUNNING)
            record = record.with_step(record.step("publish").changed(state=StepState.PENDING))
        if record.state is PassState.DONE:
            tell(f"the pass of {due.key} is complete")
            return record
        performer: Performer = Here(where, clock, train, tell) if inline else Supervised(where, lock, tell)
        try:
            first = None if opens is None else opens - timedelta(seconds=where.retrain.reserve)
            return _run(_reopened(record), _At(passes, performer, clock, opens, first), until, tell)
        finally:
            performer.close()


def _record(passes: Passes, due: Due, name: str, now: datetime) -> Pass:
    """The record of the pass that is due, new where there is none."""
    found = passes.get(due.key)
    if found is not None:
        return found
    keys = passes.keys()
    newest = passes.get(keys[0]) if keys else None
    if newest is not None and newest.session > due.session and not _ahead(newest, now):
        raise PassOutOfOrder(name, due.session, newest.session)
    steps = tuple(StepRecord(name=one) for one in STEPS)
    return Pass(
        name=name, key=due.key, session=due.session, exchange=due.exchange, started=now.astimezone(UTC), steps=steps
    )


def _ahead(later: Pass, now: datetime) -> bool:
    """Whether a pass was begun by a clock that was ahead: not yet, and there were no prices of its session."""
    return later.started > now and not later.step("check").settled


def _may_publish(record: Pass, where: Settings) -> bool:
    """Whether a pass ended with nothing to publish, and somebody has had a version serve since."""
    if record.state is not PassState.DONE or record.step("publish").state is not StepState.SKIPPED:
        return False
    try:
        return champion_of(Registry(where.registry_uri, where.artifacts, where.model)) is not None
    except RegistryUnavailable:
        return False


def _forced(record: Pass) -> Pass:
    """The pass with a training that somebody wants, beside any that it has had."""
    again = record.step("train").state is StepState.DONE
    made = record.changed(forced=True, state=PassState.RUNNING, trainings=record.trainings + again)
    for name in _OF_A_TRAINING:
        made = made.with_step(made.step(name).changed(state=StepState.PENDING))
    return made


def _reopened(record: Pass) -> Pass:
    """The pass with all steps to do again that came to nothing, and those that were done without them."""
    open_ = {name for kind in ORDER if record.step(kind.name).broken for name in kind.renews}
    for kind in ORDER:
        step = record.step(kind.name)
        if not step.settled or open_.intersection((kind.name, *kind.needs, *kind.follows)):
            open_.add(kind.name)
            record = record.with_step(step.changed(state=StepState.PENDING))
    return record


@dataclass(frozen=True, slots=True)
class _At:
    """What a pass is run with, and when the session that it forecasts opens and publishing goes first."""

    passes: Passes
    performer: Performer
    clock: Clock
    opens: datetime | None
    publishing: datetime | None

    def left(self, kind: StepKind, record: Pass) -> float | None:
        """Seconds that a step may take without costing forecasts; None where it costs none."""
        told = record.step("publish").evidence
        if not kind.gives_way or self.opens is None or self.publishing is None or told.get("version") is not None:
            return None
        now = self.clock.now()
        return None if now >= self.opens else (self.publishing - now).total_seconds()


def _run(record: Pass, at: _At, until: str | None, tell: Callable[[str], None]) -> Pass:
    record = record.changed(state=PassState.RUNNING, finished=None)
    for kind in ORDER:
        step = record.step(kind.name)
        if not step.settled:
            record = _performed(record, kind, at)
            step = record.step(kind.name)
            tell(f"{step.name}: {step.state.replace('_', ' ')}: {step.detail}")
        if kind.name == until:
            break
    finished = at.clock.now().astimezone(UTC)
    record = record.changed(state=_state(record), finished=finished, forced=_still_forced(record))
    at.passes.write(record)
    return record


def _performed(record: Pass, kind: StepKind, at: _At) -> Pass:
    """The pass after one step, written down before it and after it."""
    step = record.step(kind.name)
    missing = [name for name in kind.needs if not record.step(name).settled]
    if missing:
        record = record.with_step(step.changed(detail=f"waits for {' and '.join(missing)}"))
        at.passes.write(record)
        return record
    left = at.left(kind, record)
    step = step.changed(
        state=StepState.RUNNING,
        attempts=step.attempts + 1,
        started=at.clock.now().astimezone(UTC),
        finished=None,
        detail="",
        evidence={},
    )
    record = record.with_step(step)
    at.passes.write(record)
    if left is not None and left <= 0:
        came = Ended(StepState.TIMED_OUT, f"no time is left before the session opens at {at.opens:%H:%M} UTC", {})
    else:
        came = at.performer.perform(kind.name, record, left)
    finished = at.clock.now().astimezone(UTC)
    step = step.changed(state=came.state, finished=finished, detail=came.detail, evidence=came.evidence)
    record = record.with_step(step)
    at.passes.write(record)
    return record


def _state(record: Pass) -> PassState:
    if any(one.broken for one in record.steps):
        return PassState.FAILED
    return PassState.DONE if all(one.settled for one in record.steps) else PassState.STOPPED


def _still_forced(record: Pass) -> bool:
    return record.forced and not record.step("train").settled
