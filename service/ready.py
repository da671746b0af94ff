"""Answers that lie ready as bytes: with a validator, in the language and the encoding that a client takes.

An `ETag` is made of the model's version, the version of the prices and a hash of the answer itself, so that replicas
that hold the same answers agree on it. Each language and each encoding has its own, as RFC 9110 wants of strong
validators.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Smaller answers would hardly shrink.
LEAST_TO_PACK: Final = 512
_LEVEL: Final = 5

ENGLISH: Final = "en"
CHINESE: Final = "zh"

# Whoever keeps an answer asks whether it still holds before using it again: a rollback must not wait for a cache.
_CACHE_CONTROL: Final = b"private, no-cache"
_VARY: Final = b"accept-encoding, accept-language"

RawHeaders = list[tuple[bytes, bytes]]


class Ready:
    """One answer. Variants beside plain English are made when first asked for, and kept."""

    __slots__ = ("_tag", "_variants", "body")

    def __init__(self, body: bytes, version: str) -> None:
        """Keep an answer.

        Args:
            body: JSON in English.
            version: what the answer was made of; letters, digits, dots and hyphens.
        """
        self.body = body
        self._tag = f"{version}.{hashlib.blake2b(body, digest_size=9).hexdigest()}"
        self._variants: dict[tuple[str, bool], tuple[bytes, RawHeaders, bytes]] = {}

    def respond(self, scope: Scope) -> ReadyResponse:
        """The answer to a request, or 304 where the client has it already."""
        accepted = language = known = b""
        for name, value in scope["headers"]:
            if name == b"accept-encoding":
                accepted = value
            elif name == b"accept-language":
                language = value
            elif name == b"if-none-match":
                known = value
        key = (preferred(language) if language else ENGLISH, bool(accepted) and takes_gzip(accepted))
        body, headers, tag = self._variants.get(key) or self._made(key)
        if known and matches(known, tag):
            return ReadyResponse(304, [one for one in headers if one[0] not in _OF_CONTENT], b"")
        return ReadyResponse(200, headers, body)

    def _made(self, key: tuple[str, bool]) -> tuple[bytes, RawHeaders, bytes]:
        language, packed = key
        body = self.body if language == ENGLISH else in_chinese(self.body)
        packed = packed and len(body) >= LEAST_TO_PACK
        if packed:
            body = gzip.compress(body, _LEVEL, mtime=0)
        tag = f'"{self._tag}{"" if language == ENGLISH else f".{language}"}{".gz" if packed else ""}"'.encode()
        headers: RawHeaders = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"content-language", language.encode()),
            (b"etag", tag),
            (b"cache-control", _CACHE_CONTROL),
            (b"vary", _VARY),
        ]
        if packed:
            headers.append((b"content-encoding", b"gzip"))
        self._variants[key] = made = (body, headers, tag)
        return made


_OF_CONTENT: Final = frozenset((b"content-type", b"content-length", b"content-encoding", b"content-language"))


class ReadyResponse(Response):
    """A response whose headers and body are bytes already."""

    def __init__(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.status_code = status
        self.raw_headers = headers
        self.body = body
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def matches(known: bytes, tag: bytes) -> bool:
    """Whether `If-None-Match` names a tag; a weak form of it counts, as RFC 9110 compares them here."""
    return known == tag or any(one.strip() in (tag, b"W/" + tag, b"*") for one in known.split(b","))


def takes_gzip(accepted: bytes) -> bool:
    """Whether `Accept-Encoding` has gzip, with a weight above zero."""
    weights = dict(_weighted(accepted))
    return weights.get("gzip", weights.get("*", 0.0)) > 0.0


def preferred(accepted: bytes) -> str:
    """The language of ours that `Accept-Language` puts first; English where it names neither."""
    best, highest = ENGLISH, 0.0
    for name, weight in _weighted(accepted):
        language = name.partition("-")[0]
        if language in (ENGLISH, CHINESE) and weight > highest:
            best, highest = language, weight
    return best


def in_chinese(body: bytes) -> bytes:
    """The same answer with its sentences in Chinese: what `text` says is said by `text_zh` beside it."""
    return json.dumps(_turned(json.loads(body)), ensure_ascii=False, separators=(",", ":")).encode()


def _turned(value: Any) -> Any:
    if isinstance(value, list):
        return [_turned(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    turned = {name: _turned(one) for name, one in value.items()}
    if "text_zh" in turned and "text" in turned:
        turned["text"] = turned["text_zh"]
    return turned


def _weighted(header: bytes) -> list[tuple[str, float]]:
    """The entries of a header such as `zh-CN, en;q=0.5`; one whose weight cannot be read weighs nothing."""
    found = []
    for entry in header[:1024].decode("latin-1").split(","):
        name, _, rest = entry.partition(";")
        quality = rest.partition("q=")[2].strip()
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        found.append((name.strip().lower(), weight if 0.0 <= weight <= 1.0 else 0.0))
    return found
