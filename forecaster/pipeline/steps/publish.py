"""The champion's forecasts of the next session, written down before it opens."""

from __future__ import annotations

from typing import Final

from forecaster.ledger.publication import published_by
from forecaster.ledger.publishing import Reason
from forecaster.pipeline.errors import StepFailed
from forecaster.pipeline.place import Outcome, Place

_NAMED: Final = 50

# What can still be mended before the session opens; whatever is too late stays so.
_MENDABLE: Final = frozenset({Reason.CLOCK, Reason.UNFINISHED, Reason.UNKNOWN_SESSION})


def publish(place: Place) -> Outcome:
    """Publish what has not been. What is too late is told by number and by name, and is no failure of this step.

    Raises:
        StepFailed: something was refused for a reason that can be mended.
        RegistryError, BundleError, LedgerError, DataError: what is needed cannot be had.
    """
    found = place.champion()
    if found is None:
        return Outcome(f"no version of {place.record.name} serves, so there is nothing to publish", skipped=True)
    version, bundle = found
    made = published_by(
        version,
        bundle,
        place.store,
        place.ledger,
        place.clock,
        symbols=place.symbols(),
        wait=place.settings.retrain.wait,
        progress=place.say,
    )
    document = made.document()
    evidence = {
        "version": version.version,
        "sessions": [f"{one}" for one in made.sessions],
        **{key: document[key] for key in ("now", "published", "already", "too_late")},
        "refused": document["refused"][:_NAMED],
        "unable": len(made.unable),
        "unable_named": dict(list(made.unable.items())[:_NAMED]),
    }
    text = made.text(version)
    mendable = [one for one in made.done.refused if one.reason in _MENDABLE]
    if mendable:
        raise StepFailed(f"{text}; {mendable[0].text}", evidence)
    if made.done.too_late:
        text += f"; {made.done.too_late:,} came too late, after the session had opened"
    return Outcome(text, evidence)
