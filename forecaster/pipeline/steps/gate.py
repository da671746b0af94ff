"""Whether the challenger may become the champion."""

from __future__ import annotations

from typing import Any, Final

from forecaster.pipeline.place import Outcome, Place
from forecaster.promotion.decisions import Decided
from forecaster.promotion.decisions import to_dict as decided_to_dict
from forecaster.promotion.weighing import weigh
from forecaster.version import CHAMPION

# Of the checks that a challenger has passed, those that say how good it is.
_TOLD: Final = ("champion", "naive", "coverage")


def gate(place: Place) -> Outcome:
    """Weigh the challenger and keep the decision, whichever it is. A decision of this pass is made once.

    Raises:
        RegistryError, BundleError, DataError: what is needed cannot be had.
    """
    trained = place.record.evidence("train")
    if "version" not in trained:
        return Outcome("there is no challenger", skipped=True)
    registry, by = place.registry, f"pass {place.record.tag}"
    challenger = registry.get(trained["version"])
    made = next((one for one in place.decisions.about(challenger) if one.by == by), None)
    if made is None and CHAMPION in challenger.aliases:
        return Outcome(f"version {challenger.version} serves already", skipped=True)
    if made is None:
        made = weigh(place.settings, registry, challenger, by=by, now=place.clock.now())
    return Outcome(_text(made), _told(made))


def _text(made: Decided) -> str:
    if not made.decision.promote:
        return f"version {made.version} is refused: {'; '.join(made.decision.reasons)}"
    told = [one.text for one in made.decision.checks if one.name in _TOLD]
    return f"version {made.version} passed all {len(made.decision.checks)} checks: {'; '.join(told)}"


def _told(made: Decided) -> dict[str, Any]:
    return {"version": made.version, "promote": made.decision.promote, "decision": decided_to_dict(made)}
