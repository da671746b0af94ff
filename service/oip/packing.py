"""A body -> its JSON and the bytes behind it, and the way back: the protocol's extension for binary tensor data."""

from __future__ import annotations

import zlib
from typing import Final

from data.errors import shown
from service.oip.errors import NotARequest
from service.refusals import BodyTooLarge

LENGTH_HEADER: Final = "Inference-Header-Content-Length"
"""How many bytes of a body are JSON, in requests and in answers; without it, all of them."""

# zlib's own way to tell: it looks at the first bytes, and takes gzip and zlib (which HTTP calls deflate).
_EITHER: Final = zlib.MAX_WBITS | 32
_ENCODINGS: Final = ("gzip", "deflate")


def unpacked(body: bytes, encoding: str | None, most: int) -> bytes:
    """A body without its content encoding.

    Args:
        body: as it came.
        encoding: what the request says of it; None and `identity` leave it as it is.
        most: how large it may become [bytes].

    Raises:
        NotARequest: another encoding, damaged or cut off.
        BodyTooLarge: it is larger than that.
    """
    if encoding is None or encoding.lower() == "identity":
        return body
    if encoding.lower() not in _ENCODINGS:
        raise NotARequest(f"the content encoding {' or '.join(_ENCODINGS)}, or none", shown(encoding))
    stream = zlib.decompressobj(_EITHER)
    try:
        plain = stream.decompress(body, most + 1)
    except zlib.error:
        raise NotARequest(f"a body of the content encoding {encoding.lower()}", "one that is damaged") from None
    if len(plain) > most:
        raise BodyTooLarge(most)
    if not stream.eof or stream.unused_data:
        raise NotARequest(f"one body of the content encoding {encoding.lower()}", "less or more than that")
    return plain


def split(body: bytes, length: str | None) -> tuple[bytes, bytes]:
    """The JSON of a body, and the tensors' bytes behind it.

    Args:
        body: without content encoding.
        length: what `LENGTH_HEADER` says; None where there is none.

    Raises:
        NotARequest: that is no number, or more than there is.
    """
    if length is None:
        return body, b""
    if not (length.isascii() and length.isdigit() and len(length) <= 12 and int(length) <= len(body)):
        raise NotARequest(f"{LENGTH_HEADER} between 0 and the body's {len(body)} bytes", shown(length))
    return body[: int(length)], body[int(length) :]
