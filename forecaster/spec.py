"""What a model is (`ModelSpec`) and how it is trained (`TrainSpec`): frozen, validated, hashed.

A spec comes from Python, from a TOML file, or from `--set key=value`; all three pass the same checks, and what
cannot be is refused with the reason.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from data.features import FEATURES
from forecaster.errors import SpecError

_CONFIG: Final = ConfigDict(extra="forbid")

Cell = Literal["rnn", "gru", "lstm", "peephole_lstm", "coupled_lstm", "peephole_coupled_lstm"]
Units = Annotated[int, Field(ge=1, le=1024)]
Rate = Annotated[float, Field(ge=0, lt=1)]

# What the accuracy benchmark spoke for (benchmarks/README.md). None of them needs the other symbols.
DEFAULT_FEATURES: Final = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "move",
    "overnight_move",
    "week",
    "month",
    "highest_move",
    "drawdown",
    "close_position",
    "session_range",
    "week_volatility",
    "long_volatility",
    "volatility_level",
    "month_size",
    "volume_surge",
    "volume_trend",
    "at_limit",
    "day_of_week",
    "pause",
)
DEFAULT_QUANTILES: Final = (0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95)
# Nearer ones no sample tells apart, and float32 neither: a distance between them would start as minus infinity.
_CLOSEST: Final = 1e-6


@dataclass(frozen=True, config=_CONFIG)
class ModelSpec:
    """The network, its inputs and its target.

    Attributes:
        cell: the recurrent cell.
        units: one number a layer, first layer first; of each direction, where there are two.
        bidirectional: each layer also reads its window backwards.
        attention: additive attention over the time steps of the last layer.
        dropout: part of each layer's inputs that training drops.
        recurrent_dropout: part of each layer's own state that training drops.
        initialiser: `glorot` is Keras' own, `torch` PyTorch's uniform(-1/sqrt(h), 1/sqrt(h)) for every weight.
        lookback: sessions in a window.
        horizon: sessions ahead that are forecast.
        features: columns of a window, names in `data.features.FEATURES`.
        scaling: MinMax by each `window`'s own range, or per `series` on training rows (the classic form).
        target: the `change` from the last close as quantiles, or the price `level` as one number (the classic form).
        unit: what a change is measured in: the share's own `volatility`, or the `range` of the scaling, which a level
            always has.
        quantiles: probabilities, ascending and symmetric around 0.5.
    """

    cell: Cell = "lstm"
    units: Annotated[tuple[Units, ...], Field(min_length=1, max_length=8)] = (48,)
    bidirectional: bool = False
    attention: bool = False
    dropout: Rate = 0.2
    recurrent_dropout: Rate = 0.0
    initialiser: Literal["glorot", "torch"] = "glorot"
    lookback: Annotated[int, Field(ge=2, le=1000)] = 20
    horizon: Annotated[int, Field(ge=1, le=60)] = 1
    features: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)] = DEFAULT_FEATURES
    scaling: Literal["window", "series"] = "window"
    target: Literal["change", "level"] = "change"
    unit: Literal["volatility", "range"] = "volatility"
    quantiles: Annotated[tuple[float, ...], Field(min_length=3, max_length=99)] = DEFAULT_QUANTILES

    @field_validator("features")
    @classmethod
    def _features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any(name not in FEATURES for name in names):
            raise ValueError(f"names of {', '.join(FEATURES)}")
        if len(set(names)) != len(names):
            raise ValueError("each name once")
        return names

    @field_validator("quantiles")
    @classmethod
    def _quantiles(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < one < 1 for one in levels) or list(levels) != sorted(set(levels)):
            raise ValueError("ascending probabilities between 0 and 1")
        if any(round(b - a, 9) < _CLOSEST for a, b in pairwise((0.0, *levels, 1.0))):
            raise ValueError(f"probabilities at least {_CLOSEST:f} apart, and as far from 0 and 1")
        if 0.5 not in levels or any(abs(a + b - 1) > 1e-9 for a, b in zip(levels, reversed(levels), strict=True)):
            raise ValueError("0.5 among them, and for each p also 1 - p")
        return levels

    @property
    def median(self) -> int:
        """The position of 0.5 in `quantiles`."""
        return self.quantiles.index(0.5)


@dataclass(frozen=True, config=_CONFIG)
class TrainSpec:
    """How a model is trained.

    Attributes:
        seed: of the weights, the order of windows and dropout; the same seed gives the same weights.
        epochs: passes over the training windows, at most.
        patience: epochs without a better validation loss after which training stops, and the best weights stay; 0
            trains for all epochs, keeps the last weights, and leaves the validation span to calibration alone.
        averaging: the weights that serve are an exponential average over the steps; so much of it stays at each.
        batch: windows a step.
        learning_rate: Adam's, at its highest.
        schedule: `constant`; `cosine` falls to zero over `epochs`; `plateau` halves the rate whenever the validation
            loss has not improved for half of `patience`.
        warmup: epochs, also a part of one, over which the rate rises from zero.
        clip_norm: the gradient of all weights together is scaled down to this norm.
        validation, test: sessions of each held-out span.
    """

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 5
    patience: Annotated[int, Field(ge=0)] = 0
    averaging: Rate = 0.999
    batch: Annotated[int, Field(ge=1, le=65_536)] = 256
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warmup: Annotated[float, Field(ge=0, le=1000)] = 0.0
    clip_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    validation: Annotated[int, Field(ge=20)] = 60
    test: Annotated[int, Field(ge=20)] = 250


Spec = TypeVar("Spec", ModelSpec, TrainSpec)


def parse(kind: type[Spec], values: Mapping[str, Any]) -> Spec:
    """A spec from plain values, such as those of JSON or TOML.

    Raises:
        SpecError: a value is not allowed, or a key is unknown.
    """
    try:
        made: Spec = TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        problem: Mapping[str, Any] = error.errors()[0]
        where = ".".join([kind.__name__, *(str(part) for part in problem["loc"])])
        raise SpecError(where, _expected(problem["msg"], kind), problem["input"]) from None
    return made


def to_dict(spec: ModelSpec | TrainSpec) -> dict[str, Any]:
    """JSON-ready values; `parse` reads them back."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(spec)))
    return values


def spec_hash(spec: ModelSpec | TrainSpec) -> str:
    """A short name for the spec's contents: equal specs have equal hashes."""
    return hashlib.sha256(json.dumps(to_dict(spec), sort_keys=True).encode()).hexdigest()[:12]


def load_specs(
    path: Path | None, settings: Sequence[str] = (), *, base: tuple[ModelSpec, TrainSpec] | None = None
) -> tuple[ModelSpec, TrainSpec]:
    """Specs from a TOML file with the tables [model] and [train], changed by `key=value` settings.

    Args:
        path: the file; None starts from the defaults.
        settings: such as `units=[64,64]`, `target=level` or `epochs=5`; a key belongs to the spec that has it.
        base: what is changed, where it is not the defaults.

    Raises:
        SpecError: the file cannot be read, or a key or value is not allowed.
    """
    tables = _read(path) if path is not None else {}
    model, training = (to_dict(one) for one in base) if base is not None else ({}, {})
    model.update(tables.get("model", {}))
    training.update(tables.get("train", {}))
    for setting in settings:
        key, separator, text = setting.partition("=")
        key = key.strip()
        if not separator:
            raise SpecError("--set", "key=value", setting)
        if key in ModelSpec.__dataclass_fields__:
            model[key] = _value(text)
        elif key in TrainSpec.__dataclass_fields__:
            training[key] = _value(text)
        else:
            known = ", ".join([*ModelSpec.__dataclass_fields__, *TrainSpec.__dataclass_fields__])
            raise SpecError("--set", f"a key of {known}", key)
    return parse(ModelSpec, model), parse(TrainSpec, training)


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError("--spec", f"a readable TOML file ({error.strerror})", path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(str(path), f"TOML ({error})", "text that is not") from None
    unknown = [name for name in tables if name not in ("model", "train") or not isinstance(tables[name], dict)]
    if unknown:
        raise SpecError(str(path), "the tables [model] and [train]", unknown[0])
    return tables


def _value(text: str) -> Any:
    """A TOML value, or the bare word that people type where TOML wants quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _expected(message: str, kind: type[ModelSpec] | type[TrainSpec]) -> str:
    if message.startswith("Unexpected keyword"):
        return f"one of {', '.join(kind.__dataclass_fields__)}"
    text = message.removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("Value should be ")
    # TOML and the command line have lists; what pydantic makes of them is nobody's concern.
    text = text.replace("a valid tuple", "a list").replace("Tuple should have", "a list of")
    return text.partition(" after validation")[0]
