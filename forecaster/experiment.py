"""One run from the store to a registered version: read, window, split, train, calibrate, export, judge, save.

The network that is judged is the network that serves: the held-out forecasts come from the exported file, through
the same code as an answer, and nothing is retrained afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from data.scaling import Scaling, WindowScaling
from data.splits import Split, chronological
from data.store import PriceStore
from data.windows import Panel, Windows, cut, fit_series_scaling, panel
from forecaster.bundle import Bundle, scaling_to_dict, write_bundle
from forecaster.calibration import calibrate
from forecaster.diagnostics.diagnostics import Diagnostics, to_dict
from forecaster.errors import ParityError, TrainingUnavailable
from forecaster.evidence import diagnose_all, evidence
from forecaster.model import Model
from forecaster.registry import Registry, Version
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec, TrainSpec, spec_hash
from forecaster.spec import to_dict as spec_to_dict

PARITY: Final = 1e-5
PARITY_WINDOWS: Final = 1000

_TRAINING_PACKAGES: Final = ("tensorflow", "keras", "onnx", "sklearn", "scipy")
_LIBRARIES: Final = ("tensorflow", "keras", "onnx", "onnxruntime", "numpy", "pandas", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Step:
    """What a run is doing now, for a progress bar: `text`, and how far training is from 0 to 1."""

    text: str
    done: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a run made.

    Attributes:
        version: the registered version.
        diagnostics: of each symbol with held-out forecasts.
        unjudged: symbols without any: too short a history, or listed too late.
        windows: how many for each span.
        epochs, best_epoch: how many there were, and which gave the weights.
        training_seconds: for the fit alone.
        parity: the largest difference between Keras and the export.
    """

    version: Version
    diagnostics: Mapping[str, Diagnostics]
    unjudged: tuple[str, ...]
    windows: Mapping[str, int]
    epochs: int
    best_epoch: int
    training_seconds: float
    parity: float


def run_experiment(
    store: PriceStore,
    registry: Registry,
    spec: ModelSpec,
    training: TrainSpec,
    *,
    symbols: Sequence[str] | None = None,
    progress: Callable[[Step], None] = lambda step: None,
) -> Experiment:
    """Train a model on the store's prices and register it, without giving it an alias.

    Args:
        store: where the prices are.
        registry: where the version goes.
        spec, training: what to train, and how.
        symbols: whose prices; None takes all.
        progress: called at each step and after each epoch.

    Raises:
        DataError: there are no prices, or too few for a window or for the split.
        ParityError: the export does not match the network.
        TrainingUnavailable: this installation serves only.
        RegistryError: the version cannot be registered.
    """
    _require_training_packages()
    progress(Step("reading prices"))
    data_version = store.version()
    bars = store.read(symbols, version=data_version)
    rows = panel(bars, spec.features)
    windows, split = windows_and_split(rows, spec, training)

    progress(Step("loading tensorflow"))
    from forecaster.networks.export import export_network
    from forecaster.training import Epoch, raw_outputs, train

    def on_epoch(epoch: Epoch) -> None:
        text = (
            f"training: epoch {epoch.number} of at most {epoch.of}, loss {epoch.loss:.4f}, "
            f"validation {epoch.validation_loss:.4f}, {epoch.windows_per_second:,.0f} windows/s"
        )
        progress(Step(text, epoch.number / epoch.of))

    progress(Step(f"training on {len(split.train):,} windows of {len(rows.symbols)} symbols", 0.0))
    trained = train(windows, split, spec, training, on_epoch)

    progress(Step("exporting to ONNX and comparing with Keras"))
    onnx = export_network(trained.network, spec)
    predictor = OnnxPredictor(onnx, threads=0)
    probe = windows.take(split.train[:: max(1, len(split.train) // PARITY_WINDOWS)][:PARITY_WINDOWS])
    parity = float(np.abs(raw_outputs(trained.network, probe) - predictor.predict(probe.x)).max())
    if not parity <= PARITY:
        raise ParityError(parity, PARITY, len(probe))

    progress(Step("calibrating on the validation span"))
    held_in = windows.take(split.validation)
    calibration = calibrate(predictor.predict(held_in.x), held_in.y, spec.quantiles)

    progress(Step("forecasting the held-out span"))
    model = Model(spec, windows.scaling, calibration, predictor)
    table = evidence(model, windows.take(split.test))
    diagnostics = diagnose_all(table, spec.quantiles)

    progress(Step("saving and registering"))
    counts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
    manifest: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "spec": spec_to_dict(spec),
        "train_spec": spec_to_dict(training),
        "symbols": sorted(set(windows.symbols)),
        "scaling": scaling_to_dict(windows.scaling),
        "calibration": {"shift": calibration.shift.tolist(), "windows": calibration.windows},
        "training": {
            **_span(windows, split),
            "windows": counts,
            "epochs": len(trained.history),
            "best_epoch": trained.best_epoch,
            "seconds": round(trained.seconds, 1),
            "history": [asdict(epoch) for epoch in trained.history],
        },
        "data": {"version": data_version, "bars": len(bars)},
        "parity": {"windows": len(probe), "largest": parity},
        "libraries": _libraries(),
        "metrics": pooled_metrics(diagnostics),
        "diagnostics": {symbol: to_dict(one) for symbol, one in diagnostics.items()},
    }
    with tempfile.TemporaryDirectory(prefix="forecaster-") as folder:
        bundle = write_bundle(
            Path(folder) / "bundle",
            manifest,
            onnx=onnx,
            evidence=table,
            save_keras=lambda file: trained.network.save(file),
        )
        registered = _register(registry, bundle, spec, training)
    return Experiment(
        version=registered,
        diagnostics=diagnostics,
        unjudged=tuple(symbol for symbol in rows.symbols if symbol not in diagnostics),
        windows=counts,
        epochs=len(trained.history),
        best_epoch=trained.best_epoch,
        training_seconds=trained.seconds,
        parity=parity,
    )


def windows_and_split(rows: Panel, spec: ModelSpec, training: TrainSpec) -> tuple[Windows, Split]:
    """The windows whose outcomes are known, scaled as the spec says, and their split in time.

    Per-series ranges are fitted on the rows up to the last training origin.
    """

    def known(some: Panel, scaling: Scaling) -> Windows:
        made = cut(some, lookback=spec.lookback, horizon=spec.horizon, target=spec.target, scaling=scaling)
        return made.take(made.known)

    windows = known(rows, WindowScaling())
    parts = chronological(
        windows.origin,
        windows.outcome,
        validation=training.validation,
        test=training.test,
        gap=spec.horizon,
    )
    if spec.scaling == "window":
        return windows, parts
    scaling = fit_series_scaling(rows, windows.origin[parts.train].max())
    # Symbols that were listed after the training span have no range of their own and drop out.
    ranged = [position for position, symbol in enumerate(rows.symbols) if symbol in scaling.ranges]
    kept, kept_windows = np.isin(rows.series, ranged), np.isin(rows.series[windows.last], ranged)
    place = np.cumsum(kept_windows) - 1
    return known(rows.only(kept), scaling), Split(
        *(place[index[kept_windows[index]]] for index in (parts.train, parts.validation, parts.test))
    )


def pooled_metrics(diagnostics: Mapping[str, Diagnostics]) -> dict[str, float]:
    """What the registry shows of a version: means over the symbols with enough evidence."""
    complete = [one for one in diagnostics.values() if one.errors is not None and one.coverage is not None]
    values: dict[str, list[float | None]] = {
        "skill_vs_naive": [one.errors.skill_vs_naive for one in complete if one.errors],
        "mase": [one.errors.mase for one in complete if one.errors],
        "directional_accuracy": [one.errors.directional_accuracy for one in complete if one.errors],
        "coverage": [one.coverage.observed for one in complete if one.coverage],
    }
    present = {name: [one for one in several if one is not None] for name, several in values.items()}
    return {name: float(np.mean(several)) for name, several in present.items() if several}


def _span(windows: Windows, split: Split) -> dict[str, str]:
    """First session of training, and the last whose outcome the weights, the stopping or the calibration saw."""
    return {
        "first": str(windows.origin[split.train].min()),
        "trained_through": str(windows.outcome[split.validation].max()),
        "held_out_from": str(windows.panel.session[windows.last[split.test] + 1].min()),
        "held_out_to": str(windows.panel.session[windows.last[split.test] + 1].max()),
    }


def _register(registry: Registry, bundle: Bundle, spec: ModelSpec, training: TrainSpec) -> Version:
    facts = bundle.manifest
    return registry.register(
        bundle.path,
        params={
            **{key: str(value) for key, value in spec_to_dict(spec).items()},
            **{f"train.{key}": str(value) for key, value in spec_to_dict(training).items()},
        },
        metrics={**facts["metrics"], "training_seconds": facts["training"]["seconds"]},
        curves={
            "loss": [epoch["loss"] for epoch in facts["training"]["history"]],
            "validation_loss": [epoch["validation_loss"] for epoch in facts["training"]["history"]],
        },
        tags={
            "spec_hash": spec_hash(spec),
            "data_version": str(facts["data"]["version"]),
            "trained_through": bundle.trained_through,
            "symbols": str(len(facts["symbols"])),
        },
    )


def _require_training_packages() -> None:
    for name in _TRAINING_PACKAGES:
        if find_spec(name) is None:
            raise TrainingUnavailable(name)


def _libraries() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # tensorflow may be installed under another distribution's name
            continue
    return found
