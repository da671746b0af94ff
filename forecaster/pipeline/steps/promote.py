"""The challenger serves from now on, or waits beside the champion."""

from __future__ import annotations

from forecaster.pipeline.place import Outcome, Place
from forecaster.promotion.itself import champion_of
from forecaster.version import CHALLENGER


def promote(place: Place) -> Outcome:
    """Do what the gate has decided, where it still holds.

    Raises:
        RegistryError: the registry does not answer.
    """
    decided = place.record.evidence("gate")
    if "version" not in decided:
        return Outcome("there is no challenger", skipped=True)
    registry = place.registry
    version, champion = registry.get(decided["version"]), champion_of(registry)
    evidence = {"version": version.version, "before": champion}
    if champion == version.version:
        registry.promote(version)  # once more, so that what a kill may have left out is done
        return Outcome(f"version {version.version} is the champion", {**evidence, "promoted": True})
    against = decided["decision"]["evidence"]["champion"]
    reason = ""
    if not decided["promote"]:
        reason = "the gate refused it"
    elif version.rolled_back:
        reason = "somebody went back from it"
    elif champion != against:
        reason = f"version {champion} became the champion meanwhile, which it was not compared with"
    if reason:
        registry.set_alias(CHALLENGER, version)
        text = f"version {version.version} is not promoted, for {reason}; it is the challenger"
        return Outcome(text, {**evidence, "promoted": False})
    registry.promote(version)
    return Outcome(f"version {version.version} is the champion now", {**evidence, "promoted": True})
