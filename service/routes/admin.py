"""Changing what serves."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request

from forecaster.errors import BundleError, CorruptBundle, NoModel, RegistryUnavailable, UnknownVersion
from forecaster.promotion.asked import force, require_evidence
from forecaster.promotion.decisions import Forced
from forecaster.promotion.errors import CorruptDecision, GateRefuses, NotWeighed
from forecaster.promotion.itself import champion_of
from forecaster.version import Version
from service.dependencies import Host
from service.errors import responses
from service.model_host import DecisionsUnwritable, ModelHost, NoEarlierChampion, UnknownModel, UnusableVersion
from service.routes.models import model
from service.schemas.admin import ForcedPromotion, Promotion
from service.schemas.models import ModelAnswer

router = APIRouter(tags=["models"])


# The registry and the bundle's files take their time: plain functions run in a thread.
@router.post(
    "/v1/models/{name}/promote",
    response_model=ModelAnswer,
    responses=responses(
        UnknownModel,
        UnknownVersion,
        UnusableVersion,
        NotWeighed,
        GateRefuses,
        RegistryUnavailable,
        CorruptDecision,
        DecisionsUnwritable,
    ),
    summary="Let a version serve",
)
def promote(name: str, asked: ForcedPromotion | Promotion, host: Host, request: Request) -> ModelAnswer:
    """Make a version the champion, after verifying its files, asking it once, and making all its answers.

    It has to have been weighed beside the version that serves, by a pass, by a training that was started here, or by
    `forecaster models weigh`, and to have passed the gate. `force` lets it serve all the same; who and why are kept.
    The answer says what serves now. Other processes of this service follow with their next look at the registry.
    """
    _require(name, host)
    with host.changing:
        version = host.registry.get(asked.version)
        if isinstance(asked, ForcedPromotion):
            _let_serve(host, version, lambda: _forced(host, version, _who(request), asked.why))
        else:
            if champion_of(host.registry) != version.version:
                require_evidence(host.settings, host.registry, version)
            _let_serve(host, version, lambda: host.registry.promote(version))
    return model(name, host)


@router.post(
    "/v1/models/{name}/rollback",
    response_model=ModelAnswer,
    responses=responses(UnknownModel, NoEarlierChampion, UnusableVersion, RegistryUnavailable),
    summary="Go back to the champion before",
)
def rollback(name: str, host: Host) -> ModelAnswer:
    """Make the champion before this one the champion again; twice goes back two. The answer says what serves now."""
    _require(name, host)
    with host.changing:
        try:
            earlier = host.registry.earlier()
        except NoModel:
            raise NoEarlierChampion(name) from None
        _let_serve(host, earlier, host.registry.rollback)
    return model(name, host)


def _forced(host: ModelHost, version: Version, who: str, why: str) -> None:
    """Keep who wants it and why, and only then have it serve."""
    try:
        force(
            host.settings,
            host.registry,
            version,
            Forced(who, why),
            by=f"POST /v1/models/{version.name}/promote",
            now=host.clock(),
        )
    except OSError as error:
        raise DecisionsUnwritable(error.strerror or type(error).__name__) from error
    host.registry.promote(version)


def _who(request: Request) -> str:
    """The name of the key that came with a request."""
    return f"key {request.state.identity}"


def _require(name: str, host: ModelHost) -> None:
    if name != host.settings.model:
        raise UnknownModel(name, host.settings.model)


def _let_serve(host: ModelHost, version: Version, move: Callable[[], object]) -> None:
    """Make a version the champion, after its answers were made.

    Raises:
        UnusableVersion: a file is missing or not the one that was written, or it says something else now.
        RegistryUnavailable: it cannot be had.
    """
    try:
        host.move_to(version, move)
    except CorruptBundle as error:
        raise UnusableVersion(version, f"{error.file} {error.reason}") from error
    except BundleError as error:
        raise UnusableVersion(version, "it was written by another version of this program") from error
