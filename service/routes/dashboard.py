"""The dashboard: a page, scripts and styles from the package's own files. Its figures come from the REST surface."""

from __future__ import annotations

import gzip
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

_WEB: Final = files("service") / "web"

# Its address holds the release, so that a browser may keep it for good.
_CHARTS: Final = "echarts-6.1.0"

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Everything comes from this server, and nothing is written into the page as script or style.
# What other headers keep a browser safe, `Front` adds to every answer.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"


class _File(NamedTuple):
    """A file as it goes out, plain and compressed."""

    plain: bytes
    packed: bytes
    media_type: str


def _read() -> dict[str, _File]:
    """All files, some 100 kB; a name from a request is only ever looked for among them."""
    found = {}
    for one in sorted((_WEB / "dashboard").iterdir(), key=lambda one: one.name):
        suffix = one.name[one.name.rfind(".") :]
        if suffix in _MEDIA_TYPES:
            plain = one.read_bytes()
            found[one.name] = _File(plain, gzip.compress(plain, mtime=0), _MEDIA_TYPES[suffix])
    return found


_FILES: Final = _read()

# The scripts belong together: one tag for all of them, in their address.
_TAG: Final = sha256(b"".join(one.plain for one in _FILES.values())).hexdigest()[:16]


def _page() -> _File:
    held = _FILES.pop("index.html")
    plain = held.plain.replace(b'"web/', f'"web/{_TAG}/'.encode())
    return _File(plain, gzip.compress(plain, mtime=0), held.media_type)


_PAGE: Final = _page()


@router.get("/")
async def dashboard(request: Request) -> Response:
    """The page. Its addresses are relative, so that it works behind a path prefix too."""
    response = _answer(request, _PAGE, _ASK_FIRST)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@router.get(f"/web/{_CHARTS}/echarts.esm.min.js")
async def charts() -> Response:
    """The chart library, compressed as it lies in the package."""
    content = (_WEB / "echarts" / "echarts.esm.min.js.gz").read_bytes()
    headers = {"Cache-Control": _FOR_GOOD, "Content-Encoding": "gzip"}
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[".js"])


@router.get("/web/{tag}/{name}")
async def part(request: Request, tag: str, name: str) -> Response:
    """A script, a style or the icon.

    While a new release is rolled out, the page may come from one replica and its scripts from another. Those of
    another tag are answered too, but not to be kept.
    """
    if name not in _FILES:
        raise HTTPException(404)
    return _answer(request, _FILES[name], _FOR_GOOD if tag == _TAG else _ASK_FIRST)


def _answer(request: Request, file: _File, keep: str) -> Response:
    """The file, or 304 where the browser has it."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    etag = f'"{_TAG}{"-gzip" if packed else ""}"'
    headers = {"Cache-Control": keep, "ETag": etag, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if packed else file.plain, headers=headers, media_type=file.media_type)
