"""What a network's gates do over a symbol's newest window, for plotting."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pydantic import ConfigDict, Field

from service.schemas.base import Answer
from service.schemas.models import ModelName

# Cut to three of the window's sessions and two of the traces.
GATES: Final[dict[str, Any]] = {
    "symbol": "600519.SH",
    "as_of": "2026-11-20",
    "sessions": ["2026-11-18", "2026-11-19", "2026-11-20"],
    "close": [1693.0, 1688.0, 1700.0],
    "sensitivity": [0.011, 0.024, 0.115],
    "share": [0.0733, 0.16, 0.7667],
    "effective_memory": {
        "share": 0.9,
        "sessions": 2,
        "text": (
            "Effective memory: the newest 2 sessions hold 90 % of the forecast's sensitivity to its window of "
            "3 sessions; the last one alone holds 77 %."
        ),
    },
    "attention": None,
    "layers": [
        {
            "layer": 0,
            "direction": "forward",
            "units": 48,
            "traces": {
                "forget": {
                    "mean": [0.61, 0.63, 0.58],
                    "deviation": [0.12, 0.11, 0.14],
                    "of_sizes": False,
                    "range": [0.0, 1.0],
                    "saturated_low": 0.0,
                    "saturated_high": 0.02,
                },
                "cell": {
                    "mean": [0.21, 0.24, 0.29],
                    "deviation": [0.17, 0.19, 0.22],
                    "of_sizes": True,
                    "range": None,
                    "saturated_low": None,
                    "saturated_high": None,
                },
            },
        }
    ],
    "model": {"name": "next-close", "version": "3", "trained_through": "2025-10-31"},
    "data_version": 41,
}


class EffectiveMemory(Answer):
    """How far back the forecast looks."""

    share: float = Field(description="The part of all sensitivity that counts as memory [1].")
    sessions: int | None = Field(
        description="The least number of newest sessions that hold it; null where the forecast depends on nothing."
    )
    text: str = Field(description="The same in one sentence.")


class Trace(Answer):
    """A gate or a state of a layer, over its units, one entry a session."""

    mean: list[float] = Field(description="Mean over the layer's units [1].")
    deviation: list[float] = Field(description="Standard deviation over them [1].")
    of_sizes: bool = Field(
        description="Whether both are of the values without their signs, which only tell units apart."
    )
    range: tuple[float, float] | None = Field(description="Between which ends its values lie; a cell state has none.")
    saturated_low: float | None = Field(
        description="Part of all units and sessions within 0.1 of the lower end [1]; null without ends."
    )
    saturated_high: float | None = Field(
        description="Part of all units and sessions within 0.1 of the upper end [1]; null without ends."
    )


class GateLayer(Answer):
    """One recurrent layer in one direction."""

    layer: int = Field(description="Its position; 0 sees the window.")
    direction: str = Field(description="`forward`, or `backward` where it reads the window from its end.")
    units: int = Field(description="How many it has.")
    traces: dict[str, Trace] = Field(
        description=(
            "By name: `input`, `forget`, `output`, `candidate`, `cell` and `hidden` of an LSTM; `update`, `reset`, "
            "`candidate` and `hidden` of a GRU; `hidden` of a plain recurrent network."
        )
    )


class GatesAnswer(Answer):
    """A network at work on the newest window of a symbol. All arrays belong to `sessions`, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [GATES]})

    symbol: str
    as_of: date = Field(description="The last session of the window.")
    sessions: list[date] = Field(description="The sessions of the window.")
    close: list[float] = Field(description="Closes on the scale of the last session [currency, adjusted].")
    sensitivity: list[float] = Field(
        description=(
            "How much the network's outputs depend on each session's inputs: the Frobenius norm of that block of the "
            "Jacobian, both on the network's own scale [1]."
        )
    )
    share: list[float] = Field(description="Each session's part of all sensitivity [1]; zeros where there is none.")
    effective_memory: EffectiveMemory
    attention: list[float] | None = Field(
        description="Each session's weight, adding up to 1; null for a network without attention."
    )
    layers: list[GateLayer] = Field(description="From the window to the forecast; forward before backward.")
    model: ModelName
    data_version: int = Field(description="The price table's version.")
