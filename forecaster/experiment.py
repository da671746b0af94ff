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
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data.scaling import Scaling, SeriesScaling, WindowScaling
from data.splits import Split, chronological
from data.store import PriceStore
from data.windows import Panel, Windows, fit_series_scaling, panel
from forecaster.bundle import Bundle, calibration_to_dict, scaling_to_dict, write_bundle
from forecaster.calibration import calibrate
from forecaster.diagnostics.diagnostics import Diagnostics, to_dict
from forecaster.errors import ParityError, TrainingUnavailable
from forecaster.evidence import diagnose_all, evidence
from forecaster.metrics import pooled_metrics
from forecaster.model import Model, windows_of
from forecaster.probe import recorded
from forecaster.registry import Registry
from forecaster.runtime import OnnxPredictor
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.spec import to_dict as spec_to_dict
from forecaster.start import Start
from forecaster.step import Step
from forecaster.version import Version

if TYPE_CHECKING:
    from forecaster.attempt import Training
    from forecaster.training import Trained

PARITY: Final = 1e-5
PARITY_WINDOWS: Final = 1000

_TRAINING_PACKAGES: Final = ("tensorflow", "keras", "onnx", "sklearn", "scipy")
_LIBRARIES: Final = ("tensorflow", "keras", "onnx", "onnxruntime", "numpy", "pandas", "scikit-learn")


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

    @classmethod
    def of(cls, version: Version, bundle: Bundle) -> Experiment:
        """The run that made a version, from what its bundle remembers."""
        facts = bundle.manifest
        training = facts["training"]
        return cls(
            version=version,
            diagnostics=bundle.diagnostics(),
            unjudged=tuple(facts["unjudged"]),
            windows=training["windows"],
            epochs=training["epochs"],
            best_epoch=training["best_epoch"],
            training_seconds=training["seconds"],
            parity=facts["parity"]["largest"],
        )


def run_experiment(
    store: PriceStore,
    registry: Registry,
    spec: ModelSpec,
    training: TrainSpec,
    *,
    symbols: Sequence[str] | None = None,
    progress: Callable[[Step], None] = lambda step: None,
    start: Start | None = None,
    checkpoints: Path | None = None,
    fresh: bool = False,
    tags: Mapping[str, str] = MappingProxyType({}),
    cores: int | None = None,
) -> Experiment:
    """Train a model on the store's prices and register it, without giving it an alias.

    Args:
        store: where the prices are.
        registry: where the version goes.
        spec, training: what to train, and how; those of `start`, where there is one.
        symbols: whose prices; None takes all.
        progress: called at each step, after each epoch and within.
        start: a version whose weights, and per-series ranges, are gone on from.
        checkpoints: the folder where it is kept how far training is, so that another call goes on; None keeps nothing.
        fresh: start anew where a checkpoint is.
        tags: of the run and of the version, beside those that tell what was trained.
        cores: over how many training splits a batch; None takes all there are.

    Raises:
        DataError: there are no prices, or too few for a window or for the split.
        AlreadyLearnt: the version to start from has seen what the new one would be judged on.
        TrainingStopped, TrainingDiverged, TrainingBusy: it did not come to an end.
        ParityError: the export does not match the network.
        TrainingUnavailable: this installation serves only.
        RegistryError: the version cannot be registered.
    """
    require_training_packages()
    progress(Step("reading prices"))
    data_version = store.version()
    bars = store.read(symbols, version=data_version)
    rows = panel(bars, spec.features)
    windows, split = windows_and_split(rows, spec, training, start.scaling if start else None)
    if start is not None:
        start.check(windows, split)

    progress(Step("loading tensorflow"))
    from forecaster.attempt import Training, attempted
    from forecaster.training.checkpoint import DRAFT

    what = Training(windows, split, spec, training, start, data_version, tags, cores)
    with attempted(what, registry, checkpoints, progress, fresh=fresh) as attempt:
        if attempt.registered is not None:
            return Experiment.of(*attempt.registered)
        trained = attempt.train()
        with tempfile.TemporaryDirectory(prefix=DRAFT, dir=attempt.folder) as folder:
            bundle = _bundled(Path(folder) / "bundle", what, trained, rows.symbols, len(bars), progress)
            return Experiment.of(attempt.register(bundle), bundle)


def _bundled(
    path: Path,
    what: Training,
    trained: Trained,
    symbols: Sequence[str],
    bars: int,
    progress: Callable[[Step], None],
) -> Bundle:
    """Export, calibrate and judge a trained network, and write it down under `path`."""
    from forecaster.networks.export import export_network
    from forecaster.networks.gates import export_gates
    from forecaster.training import raw_outputs

    windows, split, spec = what.windows, what.split, what.spec
    progress(Step("exporting to ONNX and comparing with Keras"))
    onnx = export_network(trained.network, spec)
    predictor = OnnxPredictor(onnx, threads=0)
    probe = windows.take(split.train[:: max(1, len(split.train) // PARITY_WINDOWS)][:PARITY_WINDOWS])
    parity = float(np.abs(raw_outputs(trained.network, probe) - predictor.predict(probe.x)).max())
    if not parity <= PARITY:
        raise ParityError(parity, PARITY, len(probe))

    progress(Step("calibrating on the validation span"))
    held_in = windows.take(split.validation)
    before = calibrate(predictor.predict(held_in.x), held_in.y, spec.quantiles, held_in.origin, held_in.outcome)

    progress(Step("forecasting the held-out span"))
    # All that were read, since features of the universe are means over all of them, with windows or without.
    universe = tuple(symbols)
    table, after = evidence(Model(spec, windows.scaling, before, predictor, universe), windows, split.test)
    diagnostics = diagnose_all(table, spec.quantiles)

    progress(Step("saving and registering"))
    counts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
    manifest: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "spec": spec_to_dict(spec),
        "train_spec": spec_to_dict(what.training),
        "symbols": list(universe),
        "unjudged": [symbol for symbol in symbols if symbol not in diagnostics],
        "scaling": scaling_to_dict(windows.scaling),
        "calibration": calibration_to_dict(after),
        "calibration_before": calibration_to_dict(before),
        "training": {
            **_span(what),
            **({"from": what.start.facts} if what.start else {}),
            "windows": counts,
            "epochs": len(trained.history),
            "best_epoch": trained.best_epoch,
            "seconds": round(trained.seconds, 3),
            "device": trained.device,
            "history": [asdict(epoch) for epoch in trained.history],
        },
        "data": {"version": what.data_version, "bars": bars},
        "parity": {"windows": len(probe), "largest": parity},
        "probe": recorded(predictor, spec),
        "libraries": _libraries(),
        "metrics": pooled_metrics(diagnostics, table),
        "diagnostics": {symbol: to_dict(one) for symbol, one in diagnostics.items()},
    }
    return write_bundle(
        path,
        manifest,
        onnx=onnx,
        gates=export_gates(trained.network, spec),
        evidence=table,
        save_keras=lambda file: trained.network.save(file),
    )


def windows_and_split(
    rows: Panel,
    spec: ModelSpec,
    training: TrainSpec,
    scaling: SeriesScaling | None = None,
    *,
    test: int | None = None,
) -> tuple[Windows, Split]:
    """The windows whose outcomes are known, scaled as the spec says, and their split in time.

    Per-series ranges, where none are given, are fitted on the rows up to the last training origin.

    Args:
        rows: the panel.
        spec, training: how windows are cut, and how many sessions are held out.
        scaling: per-series ranges to take over.
        test: sessions of the held-out span, instead of the training's; 0 where something later is judged.
    """

    def known(some: Panel, scaling: Scaling) -> Windows:
        made = windows_of(some, spec, scaling)
        return made.take(made.known)

    windows = known(rows, WindowScaling())
    parts = chronological(
        windows.origin,
        windows.outcome,
        validation=training.validation,
        test=training.test if test is None else test,
        gap=spec.horizon,
    )
    if spec.scaling == "window":
        return windows, parts
    scaling = scaling or fit_series_scaling(rows, windows.origin[parts.train].max())
    # Symbols that were listed after the training span have no range of their own and drop out.
    ranged = [position for position, symbol in enumerate(rows.symbols) if symbol in scaling.ranges]
    kept, kept_windows = np.isin(rows.series, ranged), np.isin(rows.series[windows.last], ranged)
    place = np.cumsum(kept_windows) - 1
    return known(rows.only(kept), scaling), Split(
        *(place[index[kept_windows[index]]] for index in (parts.train, parts.validation, parts.test))
    )


def _span(what: Training) -> dict[str, str]:
    """First session of training, and the last whose outcome the weights alone, or anything, saw."""
    windows, split = what.windows, what.split
    return {
        "first": str(windows.origin[split.train].min()),
        "weights_through": str(windows.outcome[split.train].max()),
        "trained_through": what.trained_through,
        "held_out_from": str(windows.panel.session[windows.last[split.test] + 1].min()),
        "held_out_to": str(windows.panel.session[windows.last[split.test] + 1].max()),
    }


def require_training_packages() -> None:
    """Raises `TrainingUnavailable` where one is missing."""
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
