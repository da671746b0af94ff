"""The steps of a pass in order, and what each rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from forecaster.pipeline.place import Perform
from forecaster.pipeline.steps.check import check
from forecaster.pipeline.steps.clean import clean
from forecaster.pipeline.steps.decide import decide
from forecaster.pipeline.steps.fetch import fetch
from forecaster.pipeline.steps.gate import gate
from forecaster.pipeline.steps.promote import promote
from forecaster.pipeline.steps.publish import publish
from forecaster.pipeline.steps.score import score
from forecaster.pipeline.steps.train import train


@dataclass(frozen=True, slots=True)
class StepKind:
    """A step.

    Attributes:
        name: of the step.
        perform: does it; again after it was done, it changes nothing.
        needs: steps without which it cannot be done; it waits for them.
        follows: steps whose failure does not stop it, but after which it is done once more: what it did without them
            may have been less than all.
        renews: steps that are done once more where this one came to nothing: what it lacks may have come since.
        gives_way: it has to end in time for the forecasts to be published before their session opens.
    """

    name: str
    perform: Perform
    needs: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    renews: tuple[str, ...] = ()
    gives_way: bool = False


ORDER: Final = (
    StepKind("fetch", fetch),
    StepKind("check", check, needs=("fetch",), renews=("fetch",)),
    StepKind("score", score, follows=("fetch",)),
    StepKind("decide", decide, needs=("check",), gives_way=True),
    StepKind("train", train, needs=("decide",), gives_way=True),
    StepKind("gate", gate, needs=("train",), gives_way=True),
    StepKind("promote", promote, needs=("gate",), gives_way=True),
    # With whatever champion there is, and the prices as far as they came: those that lack the session are too late.
    StepKind("publish", publish, follows=("fetch", "check", "promote")),
    StepKind("clean", clean),
)

STEPS: Final = tuple(one.name for one in ORDER)
KINDS: Final = {one.name: one for one in ORDER}
