"""The Open Inference Protocol, version 2, for standard clients. Errors under /v2 are as that protocol says them."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from service.dependencies import Bench, Host
from service.errors import KINDS
from service.metrics import Metrics
from service.model_host import ModelHost, UnknownModel
from service.oip.errors import NotARequest, NotServing, TooManyWindows, WrongContents, WrongTensor
from service.oip.inference import infer, packed
from service.oip.metadata import model_metadata, server_metadata
from service.oip.packing import LENGTH_HEADER, split, unpacked
from service.oip.tensors import Question, question
from service.refusals import BodyTooLarge, TookTooLong
from service.schemas.oip import (
    REQUEST,
    Failure,
    InferenceAnswer,
    InferenceRequest,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from service.settings import ServiceSettings
from service.snapshot import Snapshot
from service.working import Workbench

router = APIRouter(prefix="/v2", tags=["inference"])

# So little is done before a thread could begin with it: parsing takes a millisecond at most, the network half of one.
_SMALL_BODY: Final = 1 << 17
_FEW_WINDOWS: Final = 64


def _responses(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its OpenAPI description."""
    told: dict[int | str, str] = {}
    for kind in (KINDS[error] for error in errors):
        told[kind.status] = f"{told[kind.status]}; {kind.title}" if kind.status in told else kind.title
    told |= {503: "Not ready, or too busy", "default": "Any other error"}
    return {status: {"model": Failure, "description": text} for status, text in told.items()}


@router.get("", responses=_responses(), summary="Describe the server")
async def server_described() -> ServerMetadata:
    """Its name, its version, and the extensions of the protocol that it speaks."""
    return server_metadata()


@router.get("/health/live", responses=_responses(), summary="Is the server alive?")
async def server_live() -> ServerLive:
    """200 as long as the process answers."""
    return ServerLive(live=True)


@router.get("/health/ready", responses=_responses(), summary="Can the server answer?")
async def server_ready(host: Host) -> ServerReady:
    """200 while there is a model to ask, 503 with the reason while there is none."""
    host.current()
    return ServerReady(ready=True)


@router.get("/models/{name}", responses=_responses(UnknownModel), summary="Describe the network")
async def network(name: str, host: Host) -> ModelMetadata:
    """What it takes and what it gives, with the names of the features and the levels of the quantiles."""
    return _described(_serving(host, name))


@router.get(
    "/models/{name}/versions/{version}",
    responses=_responses(UnknownModel, NotServing),
    summary="Describe a version of the network",
)
async def network_version(name: str, version: str, host: Host) -> ModelMetadata:
    """The same of the version that serves; no other can be asked."""
    return _described(_serving(host, name, version))


@router.get("/models/{name}/ready", responses=_responses(UnknownModel), summary="Can the network be asked?")
async def network_ready(name: str, host: Host) -> ModelReady:
    """200 while a version of it serves."""
    _serving(host, name)
    return ModelReady(name=name, ready=True)


@router.get(
    "/models/{name}/versions/{version}/ready",
    responses=_responses(UnknownModel, NotServing),
    summary="Can a version of the network be asked?",
)
async def network_version_ready(name: str, version: str, host: Host) -> ModelReady:
    """200 while that version serves."""
    _serving(host, name, version)
    return ModelReady(name=name, ready=True)


def _inlined(schema: dict[str, Any]) -> Any:
    """A JSON schema without references of its own, which an OpenAPI document would look for at its root."""
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].removeprefix("#/$defs/")])
        return {name: resolved(one) for name, one in part.items()}

    return resolved(schema)


_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _inlined(InferenceRequest.model_json_schema()), "example": REQUEST},
        },
    }
}
_BYTES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            LENGTH_HEADER: {
                "description": "How many bytes are JSON, where the tensor's bytes come behind them.",
                "schema": {"type": "integer"},
            }
        },
        # Without a schema: JSON and bytes behind it are nothing that one describes.
        "content": {"application/octet-stream": {}},
    }
}
_REFUSALS: Final = (UnknownModel, NotARequest, WrongTensor, WrongContents, TooManyWindows, BodyTooLarge, TookTooLong)


@router.post(
    "/models/{name}/infer",
    response_model=InferenceAnswer,
    responses={**_BYTES, **_responses(*_REFUSALS)},
    openapi_extra=_BODY,
    summary="Ask the network",
)
async def ask_network(name: str, request: Request, host: Host, bench: Bench) -> Response:
    """What the network says about scaled windows: its outputs before they are calibrated and turned into prices.

    `GET /v2/models/{name}` says what is taken and given. Tensors are JSON, or bytes behind it, as the protocol's
    extension for binary tensor data has it: the header `Inference-Header-Content-Length` says where they begin.
    """
    return await _ask(_serving(host, name), request, host.settings, bench)


@router.post(
    "/models/{name}/versions/{version}/infer",
    response_model=InferenceAnswer,
    responses={**_BYTES, **_responses(NotServing, *_REFUSALS)},
    openapi_extra=_BODY,
    summary="Ask a version of the network",
)
async def ask_network_version(name: str, version: str, request: Request, host: Host, bench: Bench) -> Response:
    """The same of the version that serves; no other can be asked."""
    return await _ask(_serving(host, name, version), request, host.settings, bench)


def _serving(host: ModelHost, name: str, version: str | None = None) -> Snapshot:
    """What serves, if that is asked for."""
    if name != host.settings.model:
        raise UnknownModel(name, host.settings.model)
    held = host.current()
    if version is not None and version != held.model.version:
        raise NotServing(held.model.name, version, held.model.version)
    return held


def _described(held: Snapshot) -> ModelMetadata:
    return model_metadata(held.network.spec, held.model)


async def _ask(held: Snapshot, request: Request, settings: ServiceSettings, bench: Workbench) -> Response:
    body = await request.body()
    metrics: Metrics = request.app.state.metrics
    encoding, length = request.headers.get("content-encoding"), request.headers.get(LENGTH_HEADER)

    def read() -> Question:
        plain = unpacked(body, encoding, settings.max_body_bytes)
        return question(*split(plain, length), held.network.spec, settings.max_batch)

    def answer(asked: Question) -> Response:
        with metrics.inference("windows"):
            outputs = infer(held.network.predictor, asked.windows)
        made, head = packed(asked, outputs, held.model)
        if head is None:
            return Response(made, media_type="application/json")
        return Response(made, media_type="application/octet-stream", headers={LENGTH_HEADER: str(head)})

    if encoding is not None or len(body) > _SMALL_BODY:
        return await bench.run(lambda: answer(read()))
    asked = read()
    return answer(asked) if len(asked.windows) <= _FEW_WINDOWS else await bench.run(answer, asked)
