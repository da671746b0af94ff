"""Metrics, and the documentation with Swagger UI from the package's own files."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from service.metrics import Metrics

router = APIRouter(include_in_schema=False)

_WEB: Final = files("service") / "web"

# Their address holds the release, so that a browser may keep them for good.
_RELEASE: Final = "swagger-ui-5.35.0"
_ASSETS: Final = {
    "swagger-ui-bundle.js": ("swagger-ui-bundle.js.gz", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("swagger-ui.css.gz", "text/css; charset=utf-8"),
    "favicon-32x32.png": ("favicon-32x32.png", "image/png"),
}

# Scripts and requests go to this server only. Swagger UI draws its icons from data: addresses.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/docs")
async def docs() -> Response:
    """The page that loads Swagger UI."""
    return Response(
        (_WEB / "docs.html").read_bytes(),
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": _POLICY},
    )


@router.get("/docs/start.js")
async def start() -> Response:
    """The script that starts Swagger UI; a file of its own, because the policy allows none in the page."""
    return Response((_WEB / "start.js").read_bytes(), media_type="text/javascript; charset=utf-8")


@router.get(f"/docs/{_RELEASE}/{{name}}")
async def asset(name: str) -> Response:
    """A file of Swagger UI, compressed as it lies in the package."""
    if name not in _ASSETS:
        raise HTTPException(404)
    file, media_type = _ASSETS[name]
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    if file.endswith(".gz"):
        headers["Content-Encoding"] = "gzip"
    return Response((_WEB / "swagger" / file).read_bytes(), headers=headers, media_type=media_type)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus metrics."""
    found: Metrics = request.app.state.metrics
    return found.page()
