"""What a network's gates do over a symbol's newest window, for plotting."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

import numpy as np
from fastapi import APIRouter, HTTPException, Response

from data.bars import Bars
from data.errors import MalformedSymbol, StoreUnavailable, UnknownExchange, UnknownSymbol, UnscaledSymbol
from data.features import needs_universe
from data.store import PriceStore
from forecaster.errors import NotEnoughHistory
from forecaster.gates import RANGES, Inside, Layer, look, memory_text, saturation, signed, to_dict
from service.dependencies import Bench, Host, Symbol
from service.errors import NO_ANSWERS, responses
from service.refusals import TookTooLong, TooMuchWork
from service.schemas.gates import GatesAnswer
from service.schemas.requests import AsOf
from service.snapshot import Snapshot

router = APIRouter(tags=["gates"])

# Features of a universe need the bars of all its symbols, and a request must not fill the memory with them.
_MOST_SYMBOLS: Final = 300


@router.get(
    "/v1/gates/{symbol:any}",
    response_model=GatesAnswer,
    responses=responses(
        MalformedSymbol,
        UnknownExchange,
        UnknownSymbol,
        NotEnoughHistory,
        UnscaledSymbol,
        StoreUnavailable,
        TooMuchWork,
        TookTooLong,
        *NO_ANSWERS,
    ),
    summary="Look inside the network at work",
)
async def gates(symbol: Symbol, host: Host, bench: Bench, as_of: AsOf = None) -> Response:
    """What the gates and states of each layer do over the newest window, and how far back the forecast looks.

    Means and standard deviations are over a layer's units; `forecaster gates --json` has each unit's own values.
    """
    held = host.current()
    held.require(symbol)  # unknown symbols are told without a look into the store
    _require_small(held)

    def work() -> bytes:
        inside = look(held.network, held.bundle.gates(), _bars(held, host.store, symbol, as_of), symbol)
        return gates_answer(inside, held).model_dump_json().encode()

    return Response(await bench.run(work), media_type="application/json")


def gates_answer(inside: Inside, held: Snapshot) -> GatesAnswer:
    """What was seen, without the single units.

    Args:
        inside: what was seen.
        held: what the window and the network are from.
    """
    told = to_dict(replace(inside, layers=()))
    del told["inputs"]
    told["effective_memory"]["text"] = memory_text(inside)
    return GatesAnswer.model_validate(
        {
            **told,
            "share": inside.shares.tolist(),
            "layers": [_layer(one) for one in inside.layers],
            "model": held.model,
            "data_version": held.data_version,
        }
    )


def _layer(layer: Layer) -> dict[str, Any]:
    saturated = {one.trace: one for one in saturation(layer)}
    traces = {}
    for name, values in layer.traces.items():
        sizes, ends = np.abs(values) if signed(name) else values, saturated.get(name)
        traces[name] = {
            "mean": sizes.mean(axis=1).tolist(),
            "deviation": sizes.std(axis=1).tolist(),
            "of_sizes": signed(name),
            "range": RANGES.get(name),
            "saturated_low": ends.low if ends else None,
            "saturated_high": ends.high if ends else None,
        }
    return {"layer": layer.position, "direction": layer.direction, "units": layer.units, "traces": traces}


def _bars(held: Snapshot, store: PriceStore, symbol: str, as_of: date | None) -> Bars:
    """What the window needs: fewer symbols than a forecast, whose intervals follow what came for others."""
    others: frozenset[str] = frozenset()
    if needs_universe(held.network.spec.features):
        # A symbol of the universe may have left the store since.
        others = frozenset(held.network.universe) & held.listed
    return store.read(sorted({symbol, *others}), end=as_of, version=held.data_version)


def _require_small(held: Snapshot) -> None:
    symbols = len(held.network.universe)
    if needs_universe(held.network.spec.features) and symbols > _MOST_SYMBOLS:
        raise HTTPException(
            409,
            f"the model's features need the prices of {symbols} symbols at once, and the service reads at most "
            f"{_MOST_SYMBOLS} for one answer; look with the command line: forecaster gates SYMBOL",
        )
