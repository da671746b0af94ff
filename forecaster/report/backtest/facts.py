"""What a backtest was made of, in lines for people: from the facts of `backtest.json`, or from plain texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

MOST: Final = 40
"""Lines or items of one fact that are shown."""


def fact_table(facts: Mapping[str, Any]) -> str:
    """A row a fact, as HTML. Facts of a name that is not known here are shown as they are."""
    rows = ""
    for name, value in facts.items():
        heading, write = _KNOWN.get(name, (name, _lines))
        lines = write(value) if _fits(write, value) else _lines(value)
        if lines:
            shown = "<br>".join(escape(line) for line in _cut(lines))
            rows += f"<tr><th scope='row'>{escape(heading)}</th><td>{shown}</td></tr>\n"
    return f"<table class='words facts'>\n<tbody>\n{rows}</tbody></table>\n"


def failures(facts: Mapping[str, Any]) -> list[str]:
    """What failed and is therefore not on the page."""
    return _pairs(facts["failed"]) if isinstance(facts.get("failed"), Mapping) else []


def _lines(value: Any) -> list[str]:
    """Any value: a line for each item of a list."""
    if isinstance(value, Mapping):
        return _pairs(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_text(one) for one in value]
    return [_text(value)]


def _pairs(value: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_text(one)}" for name, one in value.items() if one is not None]


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "unknown"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return "; ".join(_pairs(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_cut([_text(one) for one in value]))
    return str(value)


def _cut(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - MOST
    return list(lines) if rest <= 0 else [*lines[:MOST], f"and {rest:,} more"]


def _data(value: Mapping[str, Any]) -> list[str]:
    symbols = value.get("symbols", ())
    count = len(symbols) if isinstance(symbols, Sequence) else symbols
    held = f"{_text(value.get('bars'))} bars of {_text(count)} symbols"
    return [
        f"version {value.get('version', 'unknown')} of the store: {held}",
        f"fingerprint {value.get('fingerprint', 'unknown')}",
    ]


def _folds(value: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{fold.get('number')}: known {_since(fold)}to {fold.get('refit')}, forecasts made {fold.get('first')} to "
        f"{fold.get('last')}"
        for fold in value
    ]


def _since(fold: Mapping[str, Any]) -> str:
    return "" if fold.get("begins") is None else f"{fold['begins']} "


def _contestants(value: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for one in value:
        told = [] if one.get("seed") is None else [f"seed {one['seed']}"]
        told += [] if one.get("seconds") is None else [f"{one['seconds']:,.0f} s of computing"]
        told += [f"{one['missing']:,} symbol-sessions not forecast"] if one.get("missing") else []
        told += [f"{name}: {count:,}" for name, count in (one.get("notes") or {}).items() if count]
        found.append(f"{one.get('name')}{': ' if told else ''}{'; '.join(told)}")
    return found


def _origins(value: Mapping[str, Any]) -> list[str]:
    asked, common = value["asked"], value["common"]
    return [f"{asked - common:,} of {asked:,} symbol-sessions, which not all models forecast"]


def _libraries(value: Mapping[str, Any]) -> list[str]:
    return [", ".join(f"{name} {version}" for name, version in value.items())]


_Writer = Callable[[Any], list[str]]

_KNOWN: Final[Mapping[str, tuple[str, _Writer]]] = {
    "created": ("Made", _lines),
    "complete": ("Complete", _lines),
    "data": ("Prices", _data),
    "levels": ("Quantiles", lambda value: [_text(value)]),
    "plan": ("Asked for", lambda value: [_text(value)]),
    "folds": ("Folds", _folds),
    "contestants": ("Models", _contestants),
    "origins": ("Left out", _origins),
    "failed": ("Failed", _lines),
    "absent": ("Not there", _lines),
    "libraries": ("Libraries", _libraries),
}
"""The facts of `backtest.json`: what each is called, and how it is told."""


def _fits(write: _Writer, value: Any) -> bool:
    """Whether a fact has the form that its writer takes; a plain text of the same name has not."""
    if write in (_folds, _contestants):
        return isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping) if write in (_data, _origins, _libraries) else True
