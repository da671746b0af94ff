"""Domain errors -> RFC 9457 problem documents. The domain knows no HTTP; one table stands between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from data import errors as data
from forecaster import errors as forecaster
from forecaster.promotion.errors import CorruptDecision, GateRefuses, NotWeighed
from service.asked.errors import BadBar, BadBody, DayUnknown, ExtremeBars, NeedsOthers
from service.auth import KeyNeeded, ScopeMissing, WrongKey
from service.buckets import TooManyRequests, TooManyWrongKeys
from service.jobs.errors import CannotTrain, InvalidRetraining, JobRunning, JobsUnavailable, UnknownJob
from service.model_host import DecisionsUnwritable, NoEarlierChampion, NotReady, UnknownModel, UnusableVersion
from service.oip.errors import NotARequest, NotServing, TooManyWindows, WrongContents, WrongTensor
from service.refusals import BodyTooLarge, TookTooLong, TooMuchWork
from service.schemas.problem import Problem

_MEDIA_TYPE: Final = "application/problem+json"

# No input is echoed beyond this many characters.
_ECHO: Final = 40

# What an error may say about itself as members of the document; paths and addresses stay inside.
_FACTS: Final = (
    "symbol",
    "suffix",
    "exchange",
    "needed",
    "found",
    "name",
    "version",
    "file",
    "job",
    "row",
    "rule",
    "reasons",
)


class Kind(NamedTuple):
    """A row of the table: status, last part of the type, title, and a detail in place of the message."""

    status: int
    name: str
    title: str
    detail: str | None = None


KINDS: Final[Mapping[type[Exception], Kind]] = {
    data.MalformedSymbol: Kind(422, "malformed-symbol", "Malformed symbol"),
    data.UnknownExchange: Kind(422, "unknown-exchange", "Unknown exchange"),
    data.UnknownSymbol: Kind(404, "unknown-symbol", "Unknown symbol"),
    # The request is right and the symbol is known; what the store or the model holds of it stands in the way.
    forecaster.NotEnoughHistory: Kind(409, "not-enough-history", "Not enough history"),
    forecaster.NotFinite: Kind(409, "no-finite-forecast", "No finite forecast"),
    data.UnscaledSymbol: Kind(409, "not-trained-on", "The model was not trained on this symbol"),
    data.CalendarBounds: Kind(503, "calendar-bounds", "Trading days not known"),
    data.EmptyStore: Kind(503, "no-prices", "No prices yet"),
    data.StoreUnavailable: Kind(
        503,
        "store-unavailable",
        "The prices cannot be read",
        # The message holds the store's address.
        "the price store cannot be read; check FORECASTER_STORE, the service's log says more",
    ),
    # Somebody has put a newer version of the program at the same store.
    data.UnsupportedStore: Kind(
        503,
        "store-unsupported",
        "The prices cannot be read",
        "a newer version of this program has written the prices; install that version here, too",
    ),
    # The table was made anew, or cleaned, between a refresh and a request.
    data.UnknownVersion: Kind(
        503,
        "prices-replaced",
        "The prices cannot be read",
        "the price store no longer has the version that forecasts were made from; ask again in a moment",
    ),
    forecaster.NoModel: Kind(503, "no-model", "No model yet"),
    forecaster.BundleError: Kind(503, "unusable-model", "The model cannot be used"),
    forecaster.RegistryUnavailable: Kind(
        503,
        "registry-unavailable",
        "The model registry does not answer",
        # The message holds the registry's address, which may hold a password.
        "the model registry does not answer; check MLFLOW_TRACKING_URI, the service's log says more",
    ),
    BadBody: Kind(422, "invalid-request", "Invalid request"),
    BadBar: Kind(422, "bad-bar", "A bar breaks a rule"),
    ExtremeBars: Kind(422, "extreme-bars", "No finite forecast"),
    DayUnknown: Kind(422, "day-unknown", "The next session is not known"),
    NeedsOthers: Kind(409, "needs-others", "The model needs other symbols' bars"),
    forecaster.UnknownVersion: Kind(404, "unknown-version", "Unknown version"),
    UnknownModel: Kind(404, "unknown-model", "Unknown model"),
    NotReady: Kind(503, "not-ready", "Not ready"),
    UnusableVersion: Kind(409, "unusable-version", "The version cannot serve"),
    NoEarlierChampion: Kind(409, "no-earlier-champion", "No earlier champion"),
    NotWeighed: Kind(409, "not-weighed", "The version was not weighed"),
    GateRefuses: Kind(409, "gate-refuses", "The gate refuses the version"),
    CorruptDecision: Kind(
        503,
        "corrupt-decision",
        "A decision cannot be read",
        # The message holds a path.
        "what was decided about versions cannot be read; the service's log and `forecaster models decisions` say more",
    ),
    DecisionsUnwritable: Kind(503, "decisions-unwritable", "The decision cannot be kept"),
    KeyNeeded: Kind(401, "key-needed", "A key is needed"),
    WrongKey: Kind(401, "wrong-key", "Wrong key"),
    ScopeMissing: Kind(403, "scope-missing", "The key may not do that"),
    TooManyWrongKeys: Kind(429, "too-many-wrong-keys", "Too many wrong keys"),
    TooManyRequests: Kind(429, "too-many-requests", "Too many requests"),
    UnknownJob: Kind(404, "unknown-job", "Unknown job"),
    JobRunning: Kind(409, "job-running", "A job runs already"),
    InvalidRetraining: Kind(422, "invalid-retraining", "That cannot be trained"),
    # The request is right, and the service is well: it is this installation that stands in the way.
    CannotTrain: Kind(409, "cannot-train", "No training here"),
    JobsUnavailable: Kind(503, "jobs-unavailable", "No job can be started"),
    BodyTooLarge: Kind(413, "body-too-large", "The body is too large"),
    TooMuchWork: Kind(503, "busy", "Too much work at once"),
    TookTooLong: Kind(504, "timeout", "The answer took too long"),
    NotARequest: Kind(422, "not-an-inference-request", "Not an inference request"),
    # The request is right by the protocol; the network that serves takes something else.
    WrongTensor: Kind(409, "wrong-tensor", "Not what the network takes"),
    WrongContents: Kind(422, "wrong-contents", "Unusable numbers"),
    TooManyWindows: Kind(413, "too-many-windows", "Too many windows"),
    NotServing: Kind(404, "not-serving", "The version does not serve"),
}
_UNEXPECTED: Final = Kind(
    500, "internal-error", "Internal error", "something went wrong inside; the service's log says what"
)

# Why there may be no answers at all.
NO_ANSWERS: Final = (
    data.EmptyStore,
    forecaster.NoModel,
    forecaster.BundleError,
    forecaster.RegistryUnavailable,
    NotReady,
)

_NONE: Final[Mapping[str, Any]] = {}


def kind_of(error: Exception) -> Kind:
    """The table's row for an error or the nearest of its bases; a 500 that tells nothing for all others."""
    return next((KINDS[base] for base in type(error).__mro__ if base in KINDS), _UNEXPECTED)


def detail_of(error: Exception) -> str:
    """What clients may read of an error."""
    told = kind_of(error).detail or str(error)
    if isinstance(error, forecaster.CorruptBundle | forecaster.UnsupportedBundle):
        told = told.replace(f" in {error.path}", "")  # where it lies concerns nobody who asks
    return told


def responses(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its OpenAPI description: those of some errors, and one for all others."""
    described: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        kind = KINDS[error]
        one = described.setdefault(kind.status, _described(HTTPStatus(kind.status).phrase))
        example = Problem(type=_type(kind), title=kind.title, status=kind.status, detail="…", instance="/v1/…")
        one["content"][_MEDIA_TYPE]["examples"][kind.name] = {"summary": kind.title, "value": example.model_dump()}
    return described | {"default": _described("Any other error")}


def _described(text: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": text, "content": {_MEDIA_TYPE: {"schema": schema, "examples": {}}}}


def _type(kind: Kind) -> str:
    return f"urn:stock-forecaster:problem:{kind.name}"


def problem_of(error: Exception, path: str, *, retry_after: float | None = None) -> JSONResponse:
    """The problem document of an error, for those who answer outside of the app's routes.

    Args:
        error: what came; see `KINDS`.
        path: of the request.
        retry_after: seconds after which asking again makes sense.
    """
    return _problem(path, kind_of(error), detail_of(error), _facts(error), retry_after)


def document_of(error: Exception, path: str) -> dict[str, Any]:
    """The problem document of an error, for an answer that holds it beside others. JSON-ready."""
    return _document(path, kind_of(error), detail_of(error), _facts(error)).model_dump()


def _facts(error: Exception) -> dict[str, Any]:
    """What an error may say about itself, no text longer than is echoed."""
    if kind_of(error) is _UNEXPECTED:
        return {}
    facts = {name: value for name, value in vars(error).items() if name in _FACTS}
    return {name: value[:_ECHO] if isinstance(value, str) else value for name, value in facts.items()}


def _document(path: str, kind: Kind, detail: str, facts: Mapping[str, Any]) -> Problem:
    shown = path if len(path) <= _ECHO else path[: _ECHO - 1] + "…"
    return Problem(
        type=_type(kind),
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=quote(shown),
        **facts,
    )


def _problem(
    path: str, kind: Kind, detail: str, facts: Mapping[str, Any] = _NONE, retry_after: float | None = None
) -> JSONResponse:
    """A problem document as a response."""
    document = _document(path, kind, detail, facts)
    headers = {}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if path == "/v2" or path.startswith("/v2/"):
        return JSONResponse({"error": detail}, kind.status, headers)  # as the Open Inference Protocol wants it
    return JSONResponse(document.model_dump(), kind.status, headers, _MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    for error in (*KINDS, Exception):
        app.add_exception_handler(error, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    unavailable = kind_of(error).status == HTTPStatus.SERVICE_UNAVAILABLE
    again = request.app.state.host.settings.refresh_seconds if unavailable else None
    return problem_of(error, request.scope["path"], retry_after=again)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = "there is nothing here; /docs shows what can be asked" if status == 404 else str(error.detail)
    response = _problem(
        request.scope["path"], Kind(status, status.phrase.lower().replace(" ", "-"), status.phrase), detail
    )
    response.headers.update(error.headers or {})
    return response


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    kind = Kind(422, "invalid-request", "Invalid request")
    return _problem(request.scope["path"], kind, f"{data.shown(where)}: {first['msg']}"[:200])
