"""Looking into a network: what its gates do over a real window, and how far back its forecast depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from data.bars import Bars
from data.errors import TooFewBars
from data.windows import Days
from forecaster.diagnostics.wording import percent
from forecaster.errors import NotEnoughHistory
from forecaster.forecast import Array, Float32
from forecaster.model import Model
from forecaster.sensitivity import SHARE, effective_memory, sensitivity

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    **dict.fromkeys(("input", "forget", "output", "update", "reset"), (0.0, 1.0)),
    **dict.fromkeys(("candidate", "hidden"), (-1.0, 1.0)),
}
"""Between which ends a trace lies. A cell state has none."""

KEEPS: Final = ("forget", "update", "hidden")
"""What says how long a unit remembers, the first of them that a cell has."""

SATURATED: Final = 0.1
"""Nearer than this to an end of its range, a gate counts as saturated (Karpathy, Johnson & Fei-Fei 2015)."""


class Traces(Protocol):
    """What looks inside: `forecaster.runtime.OnnxGates`."""

    def traces(self, x: Float32) -> dict[str, Float32]:
        """Traces by name, each `(n, lookback, units)`, for windows `(n, lookback, features)`."""
        ...


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer in one direction.

    Attributes:
        position: 0 is the layer that sees the window.
        direction: `forward`, or `backward` where it reads the window from its end.
        traces: `(lookback, units)` each, by name, such as `forget` or `hidden`; row t belongs to session t.
    """

    position: int
    direction: str
    traces: Mapping[str, Array]

    @property
    def units(self) -> int:
        """How many there are."""
        return int(next(iter(self.traces.values())).shape[1])

    @property
    def size(self) -> str:
        """Their number in words: `1 unit`, `48 units`."""
        return "1 unit" if self.units == 1 else f"{self.units} units"


@dataclass(frozen=True, slots=True)
class Inside:
    """A network at work on the newest window of a symbol.

    Attributes:
        symbol: whose window.
        session: `(lookback,) datetime64[D]`, oldest first.
        close: `(lookback,)` adjusted closes on the scale of the last session [currency].
        features: names of the inputs.
        values: `(lookback, features)` inputs before scaling.
        inputs: `(lookback, features)` inputs as the network gets them.
        layers: from the window to the forecast; forward before backward.
        attention: `(lookback,)`, the weight of each session, adding up to 1; None without attention.
        sensitivity: `(lookback,)`, see `forecaster.sensitivity`.
    """

    symbol: str
    session: Days
    close: Array
    features: tuple[str, ...]
    values: Array
    inputs: Array
    layers: tuple[Layer, ...]
    attention: Array | None
    sensitivity: Array

    @property
    def shares(self) -> Array:
        """`(lookback,)`: each session's part of all sensitivity; zeros where there is none at all."""
        total = self.sensitivity.sum()
        return self.sensitivity / total if total > 0 else np.zeros_like(self.sensitivity)

    @property
    def memory(self) -> int | None:
        """The forecast's effective memory in sessions, None where nothing has any influence."""
        return effective_memory(self.sensitivity)


@dataclass(frozen=True, slots=True)
class Saturation:
    """How often a trace of a layer is near an end of its range.

    Attributes:
        trace: its name.
        low, high: the part of all units and sessions near the lower and the upper end.
        units: each unit's part of the sessions near either end, the largest first; units that never are, are left out.
    """

    trace: str
    low: float
    high: float
    units: Mapping[int, float]


def look(model: Model, gates: Traces, bars: Bars, symbol: str) -> Inside:
    """What happens inside the network on the newest window of a symbol.

    Args:
        model: the model.
        gates: its gates.
        bars: of that symbol at least, as the forecast would get them.
        symbol: whose window.

    Raises:
        NotEnoughHistory: fewer sessions than one window and its features need.
        UnscaledSymbol: per-series scaling does not know the symbol.
    """
    spec = model.spec
    model.scaling.require(symbol)
    found = int((bars.frame["symbol"] == symbol).sum())
    try:
        windows = model.windows(bars)
    except TooFewBars:
        raise NotEnoughHistory(symbol, model.least_bars, found) from None
    own = np.flatnonzero(np.array(windows.symbols) == symbol)
    if not len(own):
        raise NotEnoughHistory(symbol, model.least_bars, found)
    newest = windows.take(own[-1:])
    last = int(newest.last[0])
    rows, panel = slice(last - spec.lookback + 1, last + 1), newest.panel
    x = newest.x
    traces = {name: one[0].astype(np.float64) for name, one in gates.traces(x).items()}
    return Inside(
        symbol=symbol,
        session=panel.session[rows],
        close=panel.close[rows] / panel.factor[last],
        features=spec.features,
        values=np.asarray(panel.values[rows]),
        inputs=x[0].astype(np.float64),
        layers=_layers(traces),
        attention=traces.get("attention"),
        sensitivity=sensitivity(model.predictor, x[0]),
    )


def saturation(layer: Layer) -> list[Saturation]:
    """How saturated each trace with a range is."""
    found = []
    for trace, values in layer.traces.items():
        if trace not in RANGES:
            continue
        lower, upper = RANGES[trace]
        low, high = values < lower + SATURATED, values > upper - SATURATED
        often = (low | high).mean(axis=0)
        order = np.argsort(-often, kind="stable")
        units = {int(unit): float(often[unit]) for unit in order if often[unit] > 0}
        found.append(Saturation(trace, float(low.mean()), float(high.mean()), units))
    return found


def signed(trace: str) -> bool:
    """Whether a trace has a sign, which only tells units apart, so that its size is what can be averaged."""
    return RANGES.get(trace, (-np.inf, np.inf))[0] < 0


def memory_text(inside: Inside) -> str:
    """The effective memory in one sentence."""
    if inside.memory is None:
        return "The forecast does not depend on its window at all, as that of a network that was never trained."
    newest = "session holds" if inside.memory == 1 else f"{inside.memory} sessions hold"
    return (
        f"Effective memory: the newest {newest} {percent(SHARE)} of the forecast's sensitivity to its window of "
        f"{len(inside.session)} sessions; the last one alone holds {percent(float(inside.shares[-1]))}."
    )


def to_dict(inside: Inside) -> dict[str, Any]:
    """JSON-ready values, everything in full; sessions are ISO dates, and rows of tables belong to them."""
    return {
        "symbol": inside.symbol,
        "as_of": str(inside.session[-1]),
        "sessions": inside.session.astype(str).tolist(),
        "close": inside.close.tolist(),
        "inputs": {
            "features": list(inside.features),
            "values": inside.values.tolist(),
            "scaled": inside.inputs.tolist(),
        },
        "sensitivity": inside.sensitivity.tolist(),
        "effective_memory": {"share": SHARE, "sessions": inside.memory},
        "attention": None if inside.attention is None else inside.attention.tolist(),
        "layers": [
            {
                "layer": layer.position,
                "direction": layer.direction,
                "units": layer.units,
                "traces": {name: values.tolist() for name, values in layer.traces.items()},
            }
            for layer in inside.layers
        ],
    }


def _layers(traces: Mapping[str, Array]) -> tuple[Layer, ...]:
    """Names such as `layer_0.forward.input` to layers."""
    grouped: dict[tuple[int, str], dict[str, Array]] = {}
    for name, values in traces.items():
        if name.startswith("layer_"):
            layer, direction, trace = name.removeprefix("layer_").split(".")
            grouped.setdefault((int(layer), direction), {})[trace] = values
    return tuple(Layer(*key, own) for key, own in grouped.items())
