"""Diagnostics, symbols and manifests -> what clients read. `forecaster.answer` does it for forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from forecaster.bundle import Bundle
from forecaster.diagnostics.diagnostics import insufficient, to_dict
from forecaster.diagnostics.record import Floats, ForecastRecord
from forecaster.evidence import column, record_of
from forecaster.version import Version
from service.due import exchange_or_none
from service.schemas.base import Answer
from service.schemas.diagnostics import DiagnosticsAnswer
from service.schemas.models import DataFacts, ModelFacts, ModelName, Parity, TrainingFacts
from service.schemas.symbols import SymbolEntry

Facts = TypeVar("Facts", bound=Answer)

_SERIES = ("session", "actual", "forecast", "lower", "upper", "previous_close")


def diagnostics_answer(
    symbol: str, figures: Mapping[str, Any] | None, evidence: pd.DataFrame, levels: Sequence[float], model: ModelName
) -> DiagnosticsAnswer:
    """Every figure about a symbol, with the series behind them.

    Args:
        symbol: whose.
        figures: as `forecaster.diagnostics.diagnostics.to_dict` writes them; None where there are none.
        evidence: the symbol's rows of the held-out forecasts; none where it has none.
        levels: the model's quantiles.
        model: whose forecasts those are.
    """
    return DiagnosticsAnswer.model_validate(
        {
            "symbol": symbol,
            **(figures or to_dict(insufficient())),
            "in_sample_mae": _yardstick(evidence, "in_sample_mae"),
            "in_sample_mse": _yardstick(evidence, "in_sample_mse"),
            "series": _series(record_of(evidence, symbol, levels), levels),
            "model": model,
        }
    )


def _series(record: ForecastRecord | None, levels: Sequence[float]) -> dict[str, Any]:
    names = [column(level) for level in levels]
    if record is None:
        return {"quantiles": {name: [] for name in names}, "naive_quantiles": None} | {name: [] for name in _SERIES}

    def by_level(quantiles: Floats) -> dict[str, list[float]]:
        return dict(zip(names, quantiles.T.tolist(), strict=True))

    naive = record.naive_quantiles
    return {name: getattr(record, name).tolist() for name in _SERIES} | {
        "quantiles": by_level(record.quantiles),
        "naive_quantiles": None if naive is None else by_level(naive),
    }


def _yardstick(evidence: pd.DataFrame, name: str) -> float | None:
    if evidence.empty or name not in evidence.columns:
        return None
    value = float(evidence[name].iloc[0])
    return None if np.isnan(value) else value


def symbol_entry(symbol: str, span: tuple[date, date, int], told: Mapping[str, Any] | Exception) -> SymbolEntry:
    """What the store holds of a symbol, and whether it can be forecast.

    Args:
        symbol: which.
        span: sessions of its first and last bar, and how many bars.
        told: its forecast as `forecaster.answer` puts it, or why there is none.
    """
    first, last, sessions = span
    forecast = None if isinstance(told, Exception) else told
    return SymbolEntry(
        symbol=symbol,
        exchange=exchange_or_none(symbol),
        first=first,
        last=last,
        sessions=sessions,
        forecast=forecast is not None,
        reason=None if forecast else str(told),
        as_of=date.fromisoformat(forecast["as_of"]) if forecast else None,
        stale=forecast["stale"] if forecast else None,
        stale_reason=forecast["stale_reason"] if forecast else None,
    )


def model_name(bundle: Bundle, version: Version) -> ModelName:
    """Which model answers."""
    return ModelName(
        name=version.name, version=version.version, trained_through=date.fromisoformat(bundle.trained_through)
    )


def model_facts(bundle: Bundle) -> ModelFacts:
    """What is worth showing of a manifest: not the training curve, the scaling or the calibration."""
    manifest = bundle.manifest
    return ModelFacts(
        created=manifest["created"],
        spec=manifest["spec"],
        train_spec=manifest["train_spec"],
        training=_known(TrainingFacts, manifest["training"]),
        data=_known(DataFacts, manifest["data"]),
        symbols=len(manifest["symbols"]),
        metrics=manifest["metrics"],
        parity=_known(Parity, manifest["parity"]),
        libraries=manifest["libraries"],
    )


def _known(kind: type[Facts], values: Mapping[str, Any]) -> Facts:
    """The values that `kind` describes; a manifest may hold more."""
    return kind.model_validate({name: values[name] for name in kind.model_fields})
