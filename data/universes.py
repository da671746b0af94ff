"""Universes: lists of symbols under a name.

A name is `all`, a name of the settings that stands for another one, an index whose members the source tells, or a file
with a symbol a line. The members of an index are kept as they were told last, so that what was fetched can be trained
on without asking again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data.errors import MalformedSymbol, UnknownUniverse
from data.facts import SourceFacts
from data.symbols import parse_symbol

ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Universe:
    """Symbols, sorted; None stands for all there are."""

    name: str
    symbols: tuple[str, ...] | None


def universe(
    name: str,
    facts: SourceFacts,
    *,
    named: Mapping[str, str],
    members: Callable[[str], Sequence[str]] | None = None,
) -> Universe:
    """The universe called `name`.

    Args:
        name: `all`, one of `named`, a file, or an index.
        facts: where the members of indices are kept.
        named: names of the settings, and what they stand for.
        members: asks a source for the members of an index; None uses those that were told last.

    Raises:
        UnknownUniverse: there is no such list.
        MalformedSymbol: a file holds what cannot be a symbol.
        ProviderError: as `members` raises them.
    """
    meant = named.get(name, name)
    if meant == ALL:
        return Universe(name, None)
    file = Path(meant)
    if file.is_file():
        return Universe(name, _listed(file, name, named))
    try:
        index = parse_symbol(meant)
    except MalformedSymbol:
        raise UnknownUniverse(name, f"{meant!r} does not exist", named) from None
    if members is not None:
        told = tuple(sorted(members(index)))
        facts.replace_universe(index, told)
        return Universe(name, told)
    kept = facts.universe(index)
    if not kept:
        raise UnknownUniverse(
            name, f"the members of {index} have not been fetched, and {meant!r} does not exist", named
        )
    return Universe(name, kept)


def _listed(file: Path, name: str, named: Mapping[str, str]) -> tuple[str, ...]:
    try:
        text = file.read_text(encoding="utf-8")
    except ValueError:
        raise UnknownUniverse(name, f"{file} is no text in UTF-8", named) from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    symbols = tuple(sorted({parse_symbol(line) for line in lines if line}))
    if not symbols:
        raise UnknownUniverse(name, f"{file} holds no symbol", named)
    return symbols
