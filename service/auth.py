"""API keys: who may ask for what. Knows no HTTP.

A key is a random text that the service never stores. Its configuration holds for each key a name, what it may do, and
the key's SHA-256: a hash made to be slow guards what people choose, and a key of 256 random bits needs no such guard.

::

    AuthError
    ├── MalformedKeys    the configuration cannot be read
    ├── KeyNeeded        there is no key in the request
    ├── WrongKey         it is none of those that are configured
    └── ScopeMissing     it is one, and may not do that
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.settings import ServiceSettings

# Marks a key as one of this service's, for people and for scanners that look for leaked keys.
PREFIX: Final = "forecaster_"
_RANDOM_BYTES: Final = 32

# Longer texts are no keys, and not worth the hashing.
LONGEST_KEY: Final = 200

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_WANTED: Final = "name:scope:sha256, made by forecaster keys new"

_SEND: Final = "send one as Authorization: Bearer KEY or as X-API-Key: KEY"
_NO_READING: Final = (
    "reading needs a key and none is configured: make one with forecaster keys new NAME, "
    "or open reading to everyone with FORECASTER_OPEN_READ=true"
)
_NO_ADMIN: Final = (
    "this needs a key with the scope admin and none is configured: make one with forecaster keys new NAME --scope admin"
)


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    ADMIN = "admin"

    def admits(self, needed: Scope) -> bool:
        """Whether it is enough for what needs `needed`; admin may read, too."""
        return self is Scope.ADMIN or needed is Scope.READ


class AuthError(Exception):
    """Base of errors about keys."""


class MalformedKeys(AuthError):
    """The configured keys cannot be read. The message never holds what was found: it may be a key."""

    def __init__(self, where: str, expected: str) -> None:
        self.where = where
        self.expected = expected
        super().__init__(f"{where}: expected {expected}")


class KeyNeeded(AuthError):
    """There is no key in the request."""

    def __init__(self, scope: Scope, *, configured: bool) -> None:
        self.scope = scope
        self.configured = configured
        none = _NO_READING if scope is Scope.READ else _NO_ADMIN
        super().__init__(f"this needs a key with the scope {scope}; {_SEND}" if configured else none)


class WrongKey(AuthError):
    """The key in the request is none of those that are configured."""

    def __init__(self, *, configured: bool) -> None:
        self.configured = configured
        known = "the key is none that this service knows" if configured else "this service knows no key at all"
        super().__init__(f"{known}; FORECASTER_API_KEYS holds the entry that forecaster keys new prints beside a key")


class ScopeMissing(AuthError):
    """The key may not do that."""

    def __init__(self, name: str, scope: Scope) -> None:
        self.name = name
        self.scope = scope
        super().__init__(f"this needs a key with the scope {scope}, and {name} has not got it")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, by the name of the key."""

    name: str
    scope: Scope


class Keys:
    """The configured keys."""

    def __init__(self, entries: Sequence[tuple[bytes, Identity]]) -> None:
        """Keep them.

        Args:
            entries: the SHA-256 of each key, and whose it is.
        """
        self._entries = tuple(entries)

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Whose keys there are, in the order of the configuration."""
        return tuple(identity for _, identity in self._entries)

    def identify(self, key: bytes) -> Identity | None:
        """Whose key it is; None where it is nobody's. Takes as long whichever of them it is."""
        if len(key) > LONGEST_KEY:
            return None
        digest = hashlib.sha256(key).digest()
        found = None
        for known, identity in self._entries:
            if hmac.compare_digest(known, digest):
                found = identity
        return found


def new_key() -> str:
    """A fresh key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def entry_of(name: str, scope: Scope, key: str) -> str:
    """What to configure for a key, as `read_keys` reads it.

    Raises:
        MalformedKeys: the name cannot be one.
    """
    _check_name(name, "NAME")
    return f"{name}:{scope}:{hashlib.sha256(key.encode()).hexdigest()}"


def read_keys(text: str) -> Keys:
    """The keys of a configuration: entries `name:scope:sha256`, separated by commas or line ends.

    Lines that begin with # and empty ones are skipped, so that a file may say what a key is for.

    Raises:
        MalformedKeys: an entry is none, or the name or the key of an earlier one.
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
    found: dict[bytes, Identity] = {}
    names: set[str] = set()
    for position, entry in enumerate(entries, 1):
        digest, identity = _read(entry, f"API keys, entry {position} of {len(entries)}")
        if identity.name in names or digest in found:
            raise MalformedKeys(f"API keys, entry {position} of {len(entries)}", "a name and a key of its own")
        names.add(identity.name)
        found[digest] = identity
    return Keys(list(found.items()))


def configured_keys(settings: ServiceSettings) -> Keys:
    """The keys of the settings; none where nothing is configured.

    Raises:
        MalformedKeys: they cannot be read.
    """
    direct, file = settings.api_keys.get_secret_value(), settings.api_keys_file
    if file is None:
        return read_keys(direct)
    if direct:
        raise MalformedKeys("FORECASTER_API_KEYS and FORECASTER_API_KEYS_FILE", "one of the two, not both")
    try:
        return read_keys(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MalformedKeys("FORECASTER_API_KEYS_FILE", f"a readable file ({reason})") from None
    except UnicodeDecodeError:
        raise MalformedKeys("FORECASTER_API_KEYS_FILE", "text in UTF-8") from None


def _read(entry: str, where: str) -> tuple[bytes, Identity]:
    name, _, rest = entry.partition(":")
    scope, _, digest = rest.partition(":")
    if not rest or not digest:
        raise MalformedKeys(where, _WANTED)
    _check_name(name, where)
    if scope not in list(Scope):
        raise MalformedKeys(where, f"the scope read or admin in {_WANTED}")
    if not _HASH.fullmatch(digest):
        raise MalformedKeys(where, f"a SHA-256 of 64 digits 0-9 and a-f in {_WANTED}")
    return bytes.fromhex(digest), Identity(name, Scope(scope))


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise MalformedKeys(where, "a name of 1 to 40 of a-z, 0-9, '.', '-' and '_', beginning with a letter or digit")
