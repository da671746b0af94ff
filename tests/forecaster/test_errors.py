from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from forecaster import errors
from forecaster.backtest import errors as backtest_errors
from forecaster.backtest.errors import BacktestBusy, EngineFailed, EngineUnavailable, NothingToCompare, SpanError
from forecaster.errors import (
    AlreadyLearnt,
    CorruptBundle,
    CorruptCheckpoint,
    ForecasterError,
    NoModel,
    NotEnoughHistory,
    NotFinite,
    NotRegistered,
    ParityError,
    RegistryUnavailable,
    SpecError,
    TrainedElsewhere,
    TrainingBroken,
    TrainingBusy,
    TrainingDiverged,
    TrainingStopped,
    TrainingUnavailable,
    UnknownVersion,
    UnsupportedBundle,
)
from forecaster.ledger import errors as ledger_errors
from forecaster.ledger.errors import LedgerUnavailable, NotPublished, UnsupportedLedger

MODULES = (errors, backtest_errors, ledger_errors)

EXAMPLES: list[tuple[ForecasterError, list[str]]] = [
    (SpecError("ModelSpec.units", "a list", 64), ["ModelSpec.units: expected a list, got '64'"]),
    (TrainingUnavailable("tensorflow"), ["needs tensorflow", "pip install 'stock-forecaster[train]'"]),
    (TrainingStopped(3, resumable=True), ["stopped after 3 epochs", "the same command goes on", "--fresh starts anew"]),
    (TrainingDiverged(2, float("nan")), ["the loss of epoch 2 is nan", "--set learning_rate=", "--set clip_norm="]),
    (TrainingBroken("AAPL", 3, "it was killed"), ["AAPL", "died, 3 times: it was killed", "--jobs 1 needs less"]),
    (TrainedElsewhere("AAPL", "TooFewBars", "10 bars came"), ["10 bars came"]),
    (TrainingBusy(Path("m") / "training"), ["another process", "m/training", "wait for it"]),
    (
        AlreadyLearnt("7", "2012-02-29", "held-out", "2012-01-03"),
        ["version 7", "up to 2012-02-29", "held-out span", "on 2012-01-03", "without --from"],
    ),
    (CorruptCheckpoint(Path("m"), "is cut short"), ["checkpoint m is cut short", "nothing of it was loaded"]),
    (ParityError(0.25, 1e-5, 1000), ["2.50e-01", "1000 windows", "1e-05", "not registered"]),
    (NotEnoughHistory("AAPL", 30, 12), ["AAPL", "needs 30 sessions", "12 are stored", "longer history"]),
    (NotFinite("AAPL"), ["AAPL: no finite forecast", "forecaster doctor"]),
    (
        CorruptBundle(Path("m"), "model.onnx", "is short"),
        ["model.onnx is short", "Nothing of it was loaded", "promote"],
    ),
    (UnsupportedBundle(Path("m"), 9, 1), ["schema '9'", "reads 1", "install the version of this program"]),
    (UnsupportedBundle(Path("m"), 1, 2), ["schema '1'", "reads 2", "forecaster migrate"]),
    (UnsupportedBundle(Path("m"), None, 2), ["schema 'None'", "reads 2", "train it again: forecaster train"]),
    (NoModel("next-close", "champion"), ["next-close has no champion", "forecaster train"]),
    (UnknownVersion("next-close", "7"), ["next-close has no version '7'", "forecaster models list"]),
    (RegistryUnavailable("http://away", "refused"), ["http://away does not answer: refused"]),
    (
        NotRegistered(RegistryUnavailable("http://away", "refused"), Path("m")),
        ["http://away does not answer: refused", "kept in m", "the same command registers it"],
    ),
    (SpanError("--every", "at least 1", 0), ["--every: expected at least 1, got '0'"]),
    (EngineUnavailable("ray", "no module ray"), ["engine ray", "no module ray", "--engine local needs nothing else"]),
    (EngineFailed("dask", 3, "went away"), ["dask broke 3 times", "went away", "the same command goes on"]),
    (BacktestBusy(Path("m")), ["another backtest writes to m", "wait for it", "another --out"]),
    (
        NothingToCompare({"naive": 1200, "ets": 0}, {"ets": "too few bars"}),
        ["there are none: naive gave 1,200, ets gave 0; ets failed: too few bars"],
    ),
    (LedgerUnavailable("l", "refused"), ["ledger", "in l cannot be read or written: refused"]),
    (UnsupportedLedger("l", 9, 1), ["in l has rows of schema 9", "reads up to 1", "or a newer one"]),
    (NotPublished("FB", "next-close", ["AAPL"]), ["FB under next-close", "1 symbols (AAPL)", "forecaster publish FB"]),
]


@pytest.mark.parametrize(("error", "parts"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_a_message_says_what_is_wrong_and_what_to_do(error: ForecasterError, parts: list[str]) -> None:
    for part in parts:
        assert part in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("error", [example for example, _ in EXAMPLES], ids=lambda error: type(error).__name__)
def test_every_fact_of_a_message_is_a_field(error: ForecasterError) -> None:
    given = list(inspect.signature(type(error).__init__).parameters)[1:]
    assert set(given) <= vars(error).keys()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_tree_in_the_docstring_is_the_tree_of_the_classes(module: ModuleType) -> None:
    classes = {
        name: one for name, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__
    }
    assert module.__doc__ is not None
    drawn = set(re.findall(r"^    [│ ]*[├└]── ([A-Z]\w+)", module.__doc__, re.MULTILINE))
    # A tree that grows out of another one draws where it begins, too.
    assert classes.keys() - {"ForecasterError"} <= drawn <= classes.keys() | {"SpecError"}
    assert all(issubclass(one, ForecasterError) for one in classes.values())
    bases = {base for one in classes.values() for base in one.__bases__}
    raised = {type(error) for error, _ in EXAMPLES if type(error).__module__ == module.__name__}
    assert set(classes.values()) - bases == raised
