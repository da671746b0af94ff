"""Changing what serves."""

from __future__ import annotations

from fastapi import APIRouter

from forecaster.bundle import read_bundle
from forecaster.errors import BundleError, CorruptBundle, NoModel, RegistryUnavailable, UnknownVersion
from forecaster.probe import check_probe
from forecaster.version import Version
from service.dependencies import Host
from service.errors import responses
from service.model_host import ModelHost, NoEarlierChampion, UnknownModel, UnusableVersion
from service.routes.models import model
from service.schemas.admin import Promotion
from service.schemas.models import ModelAnswer

router = APIRouter(tags=["models"])


# The registry and the bundle's files take their time: plain functions run in a thread.
@router.post(
    "/v1/models/{name}/promote",
    response_model=ModelAnswer,
    responses=responses(UnknownModel, UnknownVersion, UnusableVersion, RegistryUnavailable),
    summary="Let a version serve",
)
def promote(name: str, asked: Promotion, host: Host) -> ModelAnswer:
    """Make a version the champion, after verifying its files and asking it once.

    The answer says what serves now. Other processes of this service follow with their next look at the registry.
    """
    _require(name, host)
    with host.changing:
        version = host.registry.get(asked.version)
        _verify(host, version)
        host.registry.promote(version)
    host.refresh()
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
    try:
        with host.changing:
            _roll_back(host)
    finally:
        host.refresh()
    return model(name, host)


def _require(name: str, host: ModelHost) -> None:
    if name != host.settings.model:
        raise UnknownModel(name, host.settings.model)


def _roll_back(host: ModelHost) -> None:
    try:
        champion = host.registry.by_alias()
        earlier = host.registry.rollback()
    except NoModel:
        raise NoEarlierChampion(host.settings.model) from None
    try:
        _verify(host, earlier)
    except Exception:
        # Which one it is was known by going there only.
        host.registry.promote(champion)
        raise


def _verify(host: ModelHost, version: Version) -> None:
    """That a version can serve.

    Raises:
        UnusableVersion: a file is missing or not the one that was written, or it says something else now.
        RegistryUnavailable: it cannot be had.
    """
    try:
        bundle = read_bundle(host.registry.bundle_path(version))
        check_probe(bundle.model(threads=host.settings.threads).predictor, bundle.spec, bundle.manifest, bundle.path)
    except CorruptBundle as error:
        raise UnusableVersion(version, f"{error.file} {error.reason}") from error
    except BundleError as error:
        raise UnusableVersion(version, "it was written by another version of this program") from error
