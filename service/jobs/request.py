"""What may be asked of a retraining, checked before a process begins.

Nothing of a request goes on as it came: symbols are of their pattern, and settings are taken anew from the spec that
they made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from data.errors import MalformedSymbol, UnknownExchange, shown
from data.features import FEATURES
from data.symbols import EXCHANGE_OF_SUFFIX, exchange_of
from forecaster.spec import ModelSpec, Spec, TrainSpec, to_dict
from service.jobs.errors import CannotTrain, InvalidRetraining

_NEEDED: Final = ("tensorflow", "keras", "onnx", "sklearn")

# Whoever reads quantiles by their levels should find them in the next version, too.
_FIXED: Final = frozenset(("quantiles",))
_LISTS: Final = frozenset(("units", "features"))
_LONGEST: Final = 300


def require_training() -> None:
    """Raises `CannotTrain` where a package for training is missing. Imports none."""
    for package in _NEEDED:
        if find_spec(package) is None:
            raise CannotTrain(package)


def checked_symbols(symbols: Sequence[str] | None, limit: int) -> tuple[str, ...] | None:
    """Symbols that can be trained on, as far as their names tell.

    Args:
        symbols: as asked for; None takes all of the store.
        limit: how many at most.

    Raises:
        InvalidRetraining: there are too many, or one twice, or one that is none.
    """
    if symbols is None:
        return None
    if not 1 <= len(symbols) <= limit:
        raise InvalidRetraining(f"symbols: expected 1 to {limit} of them, or null for all, got {len(symbols)}")
    try:
        for one in symbols:
            exchange_of(one)
    except (MalformedSymbol, UnknownExchange) as error:
        raise InvalidRetraining(str(error)) from None
    if len(set(symbols)) != len(symbols):
        raise InvalidRetraining("symbols: expected each symbol once")
    return tuple(symbols)


def checked_settings(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Settings as the spec has them: plain values by their names.

    Args:
        settings: by name, as JSON; a list may also be text, as `--set` takes it: [4] or "[4]".

    Raises:
        InvalidRetraining: a name is none, or its value is not allowed.
    """
    given = settings or {}
    values = {**to_dict(_checked(ModelSpec, given)), **to_dict(_checked(TrainSpec, given))}
    for name in given:
        if name not in values or name in _FIXED:
            known = ", ".join(settings_schema()["properties"])
            raise InvalidRetraining(f"settings: expected names of {known}, got {shown(name)}")
    return {name: values[name] for name in given}


def settings_schema() -> dict[str, Any]:
    """The JSON schema of settings, from the spec itself."""
    properties: dict[str, Any] = {}
    for kind in (ModelSpec, TrainSpec):
        properties.update(TypeAdapter(kind).json_schema()["properties"])
    properties["features"].update({"items": {"enum": list(FEATURES)}, "uniqueItems": True})
    kept = {name: one for name, one in properties.items() if name not in _FIXED}
    return {"type": "object", "additionalProperties": False, "properties": kept}


def symbols_schema() -> dict[str, Any]:
    """The JSON schema of symbols."""
    suffixes = "|".join(EXCHANGE_OF_SUFFIX)
    symbol = {"type": "string", "pattern": rf"^[A-Z0-9][A-Z0-9-]{{0,11}}(\.({suffixes}))?$"}
    return {"type": "array", "items": symbol, "minItems": 1, "uniqueItems": True}


def _checked(kind: type[Spec], given: Mapping[str, Any]) -> Spec:
    """The spec that those of its settings make that are given."""
    values = {name: _as_json(name, given[name]) for name in _names(kind) if name in given}
    try:
        # Strictly: what a command line has to take for a number or a yes is a mistake in JSON.
        made: Spec = TypeAdapter(kind).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidRetraining(f"settings.{where}: {first['msg']}"[:_LONGEST]) from None
    return made


def _names(kind: type[ModelSpec] | type[TrainSpec]) -> tuple[str, ...]:
    return tuple(name for name in kind.__dataclass_fields__ if name not in _FIXED)


def _as_json(name: str, value: Any) -> Any:
    if name in _LISTS and isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return _whole(value)


def _whole(value: Any) -> Any:
    """JSON does not tell 5.0 from 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
