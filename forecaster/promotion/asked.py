"""A promotion that somebody asks for: what was decided about it, or who takes it upon himself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from forecaster.promotion.decisions import Decided, Decisions, Forced
from forecaster.promotion.errors import GateRefuses, NotWeighed
from forecaster.promotion.gate import decide
from forecaster.promotion.itself import by_itself, champion_of
from forecaster.settings import Settings
from forecaster.version import Version

if TYPE_CHECKING:  # who has no registry yet need not wait for MLflow
    from forecaster.registry import Registry


def standing(where: Settings, registry: Registry, version: Version) -> Decided | None:
    """What was decided last about a version beside the one that serves now; None where nothing was.

    Raises:
        RegistryUnavailable: the registry does not answer.
        CorruptDecision, OSError: a decision cannot be read.
    """
    champion = champion_of(registry)
    # Somebody's wish is no evidence for the next one.
    about = [one for one in Decisions(where.decisions).about(version) if one.forced is None]
    return next((one for one in reversed(about) if one.evidence.champion == champion), None)


def require_evidence(where: Settings, registry: Registry, version: Version) -> Decided:
    """The decision that lets a version serve.

    Raises:
        NotWeighed: it was not compared with what serves now.
        GateRefuses: it was, and did not pass, or somebody went back from it since.
        RegistryUnavailable, CorruptDecision, OSError: as `standing`.
    """
    found = standing(where, registry, version)
    if found is None:
        raise NotWeighed(version.name, version.version, champion_of(registry))
    if not found.decision.promote:
        raise GateRefuses(version.name, version.version, found.decision.reasons)
    if version.rolled_back:
        raise GateRefuses(version.name, version.version, ("somebody went back from this version since",))
    return found


def force(where: Settings, registry: Registry, version: Version, forced: Forced, *, by: str, now: datetime) -> Decided:
    """Keep that somebody wants a version to serve, whatever is known of it. Moves nothing.

    Where it was weighed beside what serves, that evidence is kept with it; else what it shows by itself, since whoever
    forces something may have no time, or no prices.

    Args:
        where: the thresholds, and where decisions are kept.
        registry: of the versions.
        version: which.
        forced: who wants it, and why.
        by: the command.
        now: the present, with a time zone.

    Raises:
        RegistryUnavailable, BundleError: what it shows by itself cannot be told.
        CorruptDecision, OSError: the decision cannot be kept, or an earlier one not read.
    """
    before = standing(where, registry, version)
    evidence = before.evidence if before is not None else by_itself(registry, version)
    made = Decided(
        name=version.name,
        version=version.version,
        run=version.run_id,
        at=now,
        by=by,
        evidence=evidence,
        thresholds=where.gate,
        decision=decide(evidence, where.gate),
        forced=forced,
    )
    Decisions(where.decisions).write(made)
    return made
