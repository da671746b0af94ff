"""What serves, and what could."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.schemas.base import Answer


class ModelName(Answer):
    """Which model answered."""

    name: str
    version: str
    trained_through: date = Field(description="The last session that any part of training has seen.")


class ModelEntry(Answer):
    """A model by its name, and which version of it answers now."""

    name: str
    serving: ModelName | None = Field(description="null while nothing is served; /health/ready says why.")


class ModelsAnswer(Answer):
    """The models of this service."""

    models: list[ModelEntry]


class VersionEntry(Answer):
    """A registered version."""

    version: str
    aliases: list[str] = Field(description="`champion` is what serves.")
    created: datetime = Field(description="When it was registered.")
    serving: bool = Field(description="Whether it answers now.")
    tags: dict[str, str] = Field(description="Facts in short, such as the hash of its spec.")


class ModelAnswer(ModelEntry):
    """A model with its versions, newest first."""

    versions: list[VersionEntry]


class TrainingFacts(Answer):
    """How a version was trained."""

    first: date = Field(description="First session of the training span.")
    trained_through: date = Field(description="The last session that any part of training has seen.")
    held_out_from: date = Field(description="First held-out session.")
    held_out_to: date = Field(description="Last held-out session.")
    windows: dict[str, int] = Field(description="Windows in training, validation and test.")
    epochs: int
    best_epoch: int
    seconds: float = Field(description="How long training took [s].")


class DataFacts(Answer):
    """What a version was trained on."""

    version: int | None = Field(description="The price table's version.")
    bars: int = Field(description="How many bars were read.")


class Parity(Answer):
    """How far the served network is from the trained one."""

    windows: int = Field(description="How many windows were compared.")
    largest: float = Field(description="Largest difference of their outputs [1].")


class ModelFacts(Answer):
    """What a version's manifest says."""

    created: datetime
    spec: dict[str, Any] = Field(description="The network, its inputs and its target.")
    train_spec: dict[str, Any] = Field(description="How it was asked to be trained.")
    training: TrainingFacts
    data: DataFacts
    symbols: int = Field(description="How many symbols it was trained on.")
    metrics: dict[str, float] = Field(description="Means over the symbols with enough held-out sessions.")
    parity: Parity
    libraries: dict[str, str] = Field(description="What it was made with.")


class ForcedBy(Answer):
    """Who promoted a version whatever its evidence showed, and why."""

    who: str
    why: str


class DecisionEntry(Answer):
    """What was decided about a version."""

    at: datetime
    by: str = Field(description="What asked for it: a pass, or a command.")
    against: str | None = Field(description="The version that served then; null where none did.")
    promote: bool = Field(description="Whether the evidence passed the gate.")
    reasons: list[str] = Field(description="What failed; where nothing did, what spoke for it.")
    forced: ForcedBy | None = Field(description="null where nobody promoted it by force.")


class VersionAnswer(VersionEntry):
    """A version with the facts of its manifest, and what was decided about it."""

    name: str
    facts: ModelFacts
    decisions: list[DecisionEntry] = Field(description="The newest first.")
