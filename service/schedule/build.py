"""The scheduler of a home, put together."""

from __future__ import annotations

from collections.abc import Sequence

from data.store import PriceStore
from forecaster.heartbeat import HeartbeatFolder
from forecaster.settings import Settings
from service.schedule.loop import Parts, Scheduler
from service.schedule.market import LastTold, StoredMarket
from service.schedule.memory import Memory
from service.schedule.owner import Owner
from service.schedule.passes import RETRAIN, PassProgram
from service.schedule.voice import Voice
from service.schedule.waiting import Waiting


def build(where: Settings, model: str, clock: Waiting, program: Sequence[str] = RETRAIN) -> Scheduler:
    """A scheduler that runs nothing yet.

    Args:
        where: where things are, and when to run.
        model: whose passes.
        clock: the present, how to wait, and whether to go on.
        program: what runs a pass, before the model's name.
    """
    home = where.home.absolute()
    parts = Parts(
        owner=Owner(home, where.store_uri, model),
        memory=Memory(home, model),
        market=LastTold(StoredMarket(where.model_copy(update={"model": model}), PriceStore(where.store_uri))),
        program=PassProgram(home, model, program),
        voice=Voice(model, HeartbeatFolder(home), where.schedule.heartbeat_seconds, clock.now()),
        clock=clock,
    )
    return Scheduler(where.schedule, parts)
