"""What serves, and what could."""

from __future__ import annotations

from fastapi import APIRouter

from forecaster.errors import BundleError, RegistryUnavailable, UnknownVersion
from forecaster.promotion.decisions import Decided, Decisions
from forecaster.promotion.errors import CorruptDecision
from forecaster.version import Version
from service.dependencies import Host
from service.errors import responses
from service.model_host import ModelHost, UnknownModel
from service.schemas.models import (
    DecisionEntry,
    ForcedBy,
    ModelAnswer,
    ModelEntry,
    ModelsAnswer,
    VersionAnswer,
    VersionEntry,
)

router = APIRouter(tags=["models"])


@router.get("/v1/models", response_model=ModelsAnswer, responses=responses(), summary="List the models")
async def models(host: Host) -> ModelsAnswer:
    """The model of this service and the version of it that answers now."""
    return ModelsAnswer(models=[_entry(host)])


# The registry is asked anew, which may take a while: plain functions run in a thread.
@router.get(
    "/v1/models/{name}",
    response_model=ModelAnswer,
    responses=responses(UnknownModel, RegistryUnavailable),
    summary="List a model's versions",
)
def model(name: str, host: Host) -> ModelAnswer:
    """A model's versions as the registry has them now, newest first."""
    _require(name, host)
    entry = _entry(host)
    return ModelAnswer(
        name=entry.name,
        serving=entry.serving,
        versions=[_version(host, one) for one in host.registry.versions()],
    )


@router.get(
    "/v1/models/{name}/versions/{version}",
    response_model=VersionAnswer,
    responses=responses(UnknownModel, UnknownVersion, BundleError, RegistryUnavailable, CorruptDecision),
    summary="Show a model's version",
)
def version(name: str, version: str, host: Host) -> VersionAnswer:
    """What a version is, how it was trained and with what, and how it did on held-out sessions."""
    _require(name, host)
    found = host.registry.get(version)
    return VersionAnswer(
        name=name,
        **_version(host, found).model_dump(),
        facts=host.facts(found),
        decisions=[_decision(one) for one in reversed(Decisions(host.settings.decisions).about(found))],
    )


def _require(name: str, host: ModelHost) -> None:
    if name != host.settings.model:
        raise UnknownModel(name, host.settings.model)


def _entry(host: ModelHost) -> ModelEntry:
    held = host.snapshot
    return ModelEntry(name=host.settings.model, serving=held.model if held else None)


def _version(host: ModelHost, version: Version) -> VersionEntry:
    held = host.snapshot
    return VersionEntry(
        version=version.version,
        aliases=list(version.aliases),
        created=version.created,
        serving=held is not None and held.version.run_id == version.run_id,
        tags=dict(version.tags),
    )


def _decision(one: Decided) -> DecisionEntry:
    return DecisionEntry(
        at=one.at,
        by=one.by,
        against=one.evidence.champion,
        promote=one.decision.promote,
        reasons=list(one.decision.reasons),
        forced=None if one.forced is None else ForcedBy(who=one.forced.who, why=one.forced.why),
    )
