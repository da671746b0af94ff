from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from forecaster import errors
from forecaster.errors import (
    AlreadyLearnt,
    CorruptBundle,
    CorruptCheckpoint,
    ForecasterError,
    NoModel,
    NotEnoughHistory,
    NotRegistered,
    ParityError,
    RegistryUnavailable,
    SpecError,
    TrainingBusy,
    TrainingDiverged,
    TrainingStopped,
    TrainingUnavailable,
    UnknownVersion,
    UnsupportedBundle,
)

EXAMPLES = [
    (SpecError("ModelSpec.units", "a list", 64), ["ModelSpec.units: expected a list, got '64'"]),
    (TrainingUnavailable("tensorflow"), ["needs tensorflow", "pip install 'stock-forecaster[train]'"]),
    (TrainingStopped(3, resumable=True), ["stopped after 3 epochs", "the same command goes on", "--fresh starts anew"]),
    (TrainingDiverged(2, float("nan")), ["the loss of epoch 2 is nan", "--set learning_rate=", "--set clip_norm="]),
    (TrainingBusy(Path("m") / "training"), ["another process", "m/training", "wait for it"]),
    (
        AlreadyLearnt("7", "2012-02-29", "held-out", "2012-01-03"),
        ["version 7", "up to 2012-02-29", "held-out span", "on 2012-01-03", "without --from"],
    ),
    (CorruptCheckpoint(Path("m"), "is cut short"), ["checkpoint m is cut short", "nothing of it was loaded"]),
    (ParityError(0.25, 1e-5, 1000), ["2.50e-01", "1000 windows", "1e-05", "not registered"]),
    (NotEnoughHistory("AAPL", 30, 12), ["AAPL", "needs 30 sessions", "12 are stored", "longer history"]),
    (
        CorruptBundle(Path("m"), "model.onnx", "is short"),
        ["model.onnx is short", "Nothing of it was loaded", "promote"],
    ),
    (UnsupportedBundle(Path("m"), 9, 1), ["schema '9'", "reads 1", "train it again"]),
    (NoModel("next-close", "champion"), ["next-close has no champion", "forecaster train"]),
    (UnknownVersion("next-close", "7"), ["next-close has no version '7'", "forecaster models list"]),
    (RegistryUnavailable("http://away", "refused"), ["http://away does not answer: refused"]),
    (
        NotRegistered(RegistryUnavailable("http://away", "refused"), Path("m")),
        ["http://away does not answer: refused", "kept in m", "the same command registers it"],
    ),
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


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = {
        name: one for name, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__
    }
    assert errors.__doc__ is not None
    drawn = [line for line in errors.__doc__.splitlines() if any(f" {name} " in f" {line} " for name in classes)]
    assert len(drawn) == len(classes)
    assert all(issubclass(one, ForecasterError) for one in classes.values())
    raised = {type(error) for error, _ in EXAMPLES}
    assert {one for one in classes.values() if not one.__subclasses__()} == raised
