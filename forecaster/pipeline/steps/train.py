"""A challenger, trained once a pass."""

from __future__ import annotations

from forecaster.pipeline.place import Outcome, Place
from forecaster.pipeline.record import TAG
from forecaster.version import Version


def train(place: Place) -> Outcome:
    """Train a version, or take the one that this pass, before it was interrupted, or an earlier one has trained.

    Raises:
        StepFailed: training did not come to an end; where that can be gone on with, its checkpoint stays.
    """
    decided = place.record.evidence("decide")
    if not decided["train"]:
        return Outcome("no challenger is wanted", skipped=True)
    if "version" in decided:
        version = place.registry.get(decided["version"])
        return Outcome(f"version {version.version} is there already", _facts(version))
    tag = place.record.tag
    made = next((one for one in place.registry.versions() if one.tags.get(TAG) == tag), None)
    if made is not None:
        place.registry.settle()  # what a kill may have left out
    else:
        number = place.train(place.settings, tag, decided["start"], place.say)
        made = place.registry.get(number)
    return Outcome(f"version {made.version} was trained on prices through {made.tags['trained_through']}", _facts(made))


def _facts(version: Version) -> dict[str, str]:
    return {"version": version.version, "run_id": version.run_id, **version.tags}
