from __future__ import annotations

import hashlib
import json
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from forecaster.errors import SpecError
from forecaster.forecast import interval_level
from forecaster.spec import ModelSpec, TrainSpec, load_specs, parse, spec_hash, to_dict
from tests.forecaster.networks.specs import model_specs

# What README and ARCHITECTURE promise, written out once more.
DEFAULT_MODEL = {
    "cell": "lstm",
    "units": [48],
    "bidirectional": False,
    "attention": False,
    "dropout": 0.2,
    "recurrent_dropout": 0.0,
    "initialiser": "glorot",
    "lookback": 20,
    "horizon": 1,
    "features": [
        *("open", "high", "low", "close", "volume"),
        *("move", "overnight_move", "week", "month", "highest_move", "drawdown", "close_position", "session_range"),
        *("week_volatility", "long_volatility", "volatility_level", "month_size"),
        *("volume_surge", "volume_trend", "at_limit", "day_of_week", "pause"),
    ],
    "scaling": "window",
    "target": "change",
    "unit": "volatility",
    "quantiles": [0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95],
}
DEFAULT_TRAINING = {
    "seed": 7,
    "epochs": 5,
    "patience": 0,
    "averaging": 0.999,
    "batch": 256,
    "learning_rate": 0.001,
    "schedule": "constant",
    "warmup": 0.0,
    "clip_norm": 1.0,
    "validation": 60,
    "test": 250,
}

# For every field another value that is allowed.
OTHER_MODEL: dict[str, Any] = {
    "cell": "gru",
    "units": (48, 48),
    "bidirectional": True,
    "attention": True,
    "dropout": 0.3,
    "recurrent_dropout": 0.1,
    "initialiser": "torch",
    "lookback": 21,
    "horizon": 2,
    "features": ("open", "high", "low", "close", "volume"),
    "scaling": "series",
    "target": "level",
    "unit": "range",
    "quantiles": (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95),
}
OTHER_TRAINING: dict[str, Any] = {
    "seed": 8,
    "epochs": 21,
    "patience": 5,
    "averaging": 0.0,
    "batch": 129,
    "learning_rate": 0.002,
    "schedule": "cosine",
    "warmup": 0.5,
    "clip_norm": 2.0,
    "validation": 251,
    "test": 251,
}


def test_the_defaults_are_those_that_are_documented() -> None:
    assert to_dict(ModelSpec()) == DEFAULT_MODEL
    assert to_dict(TrainSpec()) == DEFAULT_TRAINING


def test_the_defaults_pass_their_own_checks() -> None:
    assert parse(ModelSpec, DEFAULT_MODEL) == ModelSpec()
    assert parse(TrainSpec, DEFAULT_TRAINING) == TrainSpec()


@pytest.mark.parametrize(
    ("values", "where", "expected", "got"),
    [
        ({"cell": "gru6"}, "ModelSpec.cell", "'rnn', 'gru', 'lstm', 'peephole_lstm', 'coupled_lstm' or", "gru6"),
        ({"bidirectional": "both"}, "ModelSpec.bidirectional", "a valid boolean", "both"),
        ({"attention": 3}, "ModelSpec.attention", "a valid boolean", "3"),
        ({"initialiser": "he"}, "ModelSpec.initialiser", "'glorot' or 'torch'", "he"),
        ({"units": 64}, "ModelSpec.units", "a list", "64"),
        ({"units": []}, "ModelSpec.units", "at least 1 item", "[]"),
        ({"units": [8] * 9}, "ModelSpec.units", "at most 8 items", "[8, 8"),
        ({"units": [0]}, "ModelSpec.units.0", "greater than or equal to 1", "0"),
        ({"units": [4, -1]}, "ModelSpec.units.1", "greater than or equal to 1", "-1"),
        ({"units": [1025]}, "ModelSpec.units.0", "less than or equal to 1024", "1025"),
        ({"units": [4.5]}, "ModelSpec.units.0", "integer", "4.5"),
        ({"dropout": 1}, "ModelSpec.dropout", "less than 1", "1"),
        ({"dropout": -0.1}, "ModelSpec.dropout", "greater than or equal to 0", "-0.1"),
        ({"dropout": float("nan")}, "ModelSpec.dropout", "less than 1", "nan"),
        ({"dropout": "much"}, "ModelSpec.dropout", "number", "much"),
        ({"recurrent_dropout": 1}, "ModelSpec.recurrent_dropout", "less than 1", "1"),
        ({"recurrent_dropout": -0.1}, "ModelSpec.recurrent_dropout", "greater than or equal to 0", "-0.1"),
        ({"lookback": 1}, "ModelSpec.lookback", "greater than or equal to 2", "1"),
        ({"lookback": 1001}, "ModelSpec.lookback", "less than or equal to 1000", "1001"),
        ({"horizon": 0}, "ModelSpec.horizon", "greater than or equal to 1", "0"),
        ({"horizon": 61}, "ModelSpec.horizon", "less than or equal to 60", "61"),
        ({"features": []}, "ModelSpec.features", "at least 1 item", "[]"),
        ({"features": "close"}, "ModelSpec.features", "a list", "close"),
        ({"features": ["close", "clsoe"]}, "ModelSpec.features", "log_return", "clsoe"),
        ({"features": ["close", "close"]}, "ModelSpec.features", "each name once", "['close', 'close']"),
        ({"scaling": "standard"}, "ModelSpec.scaling", "'window' or 'series'", "standard"),
        ({"target": "return"}, "ModelSpec.target", "'change' or 'level'", "return"),
        ({"unit": "percent"}, "ModelSpec.unit", "'volatility' or 'range'", "percent"),
        ({"quantiles": [0.9, 0.5, 0.1]}, "ModelSpec.quantiles", "ascending", "[0.9, 0.5, 0.1]"),
        ({"quantiles": [0.1, 0.5, 0.5, 0.9]}, "ModelSpec.quantiles", "ascending", "[0.1, 0.5, 0.5, 0.9]"),
        ({"quantiles": [0.0, 0.5, 1.0]}, "ModelSpec.quantiles", "between 0 and 1", "[0.0, 0.5, 1.0]"),
        (
            {"quantiles": [0.3, 0.30000000000000004, 0.5, 0.7, 0.7000000000000001]},
            "ModelSpec.quantiles",
            "at least 0.000001 apart",
            "0.30000000000000004",
        ),
        ({"quantiles": [1e-7, 0.5, 1 - 1e-7]}, "ModelSpec.quantiles", "as far from 0 and 1", "1e-07"),
        ({"quantiles": [0.1, float("nan"), 0.9]}, "ModelSpec.quantiles", "ascending", "nan"),
        ({"quantiles": [0.1, 0.5, 0.8]}, "ModelSpec.quantiles", "for each p also 1 - p", "[0.1, 0.5, 0.8]"),
        ({"quantiles": [0.1, 0.4, 0.6, 0.9]}, "ModelSpec.quantiles", "0.5 among them", "[0.1, 0.4, 0.6, 0.9]"),
        ({"quantiles": [0.1, 0.9]}, "ModelSpec.quantiles", "at least 3 items", "[0.1, 0.9]"),
        ({"unts": [4]}, "ModelSpec.unts", "one of cell, units, bidirectional", "[4]"),
        ({"epochs": 3}, "ModelSpec.epochs", "one of cell, units, bidirectional", "3"),
    ],
)
def test_a_bad_model_spec_is_refused_with_what_was_expected_and_what_came(
    values: dict[str, Any], where: str, expected: str, got: str
) -> None:
    with pytest.raises(SpecError) as refused:
        parse(ModelSpec, values)
    assert refused.value.where == where
    assert expected in refused.value.expected
    message = str(refused.value)
    assert message.startswith(f"{where}: expected ")
    assert expected in message
    assert ", got " in message
    assert got in message.partition(", got ")[2]


@pytest.mark.parametrize(
    ("values", "where", "expected"),
    [
        ({"seed": -1}, "TrainSpec.seed", "greater than or equal to 0"),
        ({"seed": 2**31}, "TrainSpec.seed", "less than or equal to 2147483647"),
        ({"epochs": 0}, "TrainSpec.epochs", "greater than or equal to 1"),
        ({"epochs": "many"}, "TrainSpec.epochs", "integer"),
        ({"patience": -1}, "TrainSpec.patience", "greater than or equal to 0"),
        ({"batch": 0}, "TrainSpec.batch", "greater than or equal to 1"),
        ({"learning_rate": 0}, "TrainSpec.learning_rate", "greater than 0"),
        ({"learning_rate": 1.5}, "TrainSpec.learning_rate", "less than or equal to 1"),
        ({"schedule": "step"}, "TrainSpec.schedule", "'constant', 'cosine' or 'plateau'"),
        ({"warmup": -1}, "TrainSpec.warmup", "greater than or equal to 0"),
        ({"warmup": float("nan")}, "TrainSpec.warmup", "less than or equal to 1000"),
        ({"clip_norm": 0}, "TrainSpec.clip_norm", "greater than 0"),
        ({"clip_norm": float("inf")}, "TrainSpec.clip_norm", "finite"),
        ({"clip_norm": float("nan")}, "TrainSpec.clip_norm", "finite"),
        ({"validation": 19}, "TrainSpec.validation", "greater than or equal to 20"),
        ({"test": 19}, "TrainSpec.test", "greater than or equal to 20"),
        ({"epoch": 1}, "TrainSpec.epoch", "one of seed, epochs, patience"),
    ],
)
def test_a_bad_training_spec_is_refused_with_what_was_expected_and_what_came(
    values: dict[str, Any], where: str, expected: str
) -> None:
    with pytest.raises(SpecError) as refused:
        parse(TrainSpec, values)
    assert refused.value.where == where
    assert expected in str(refused.value)
    assert repr(str(next(iter(values.values())))) in str(refused.value)


def test_a_flood_of_text_does_not_flood_the_message() -> None:
    with pytest.raises(SpecError) as refused:
        parse(ModelSpec, {"target": "x" * 100_000})
    assert len(str(refused.value)) < 200


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ModelSpec().lookback = 3  # type: ignore[misc]


def test_a_spec_is_checked_however_it_is_made() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        ModelSpec(lookback=1)


@pytest.mark.parametrize("spec", [ModelSpec(), replace(ModelSpec(), **OTHER_MODEL)])
def test_a_model_spec_comes_back_from_json(spec: ModelSpec) -> None:
    assert parse(ModelSpec, json.loads(json.dumps(to_dict(spec)))) == spec


@pytest.mark.parametrize("spec", [TrainSpec(), replace(TrainSpec(), **OTHER_TRAINING)])
def test_a_training_spec_comes_back_from_json(spec: TrainSpec) -> None:
    assert parse(TrainSpec, json.loads(json.dumps(to_dict(spec)))) == spec


@given(model_specs(layers=8, units=1024, lookback=1000, horizon=60))
def test_every_allowed_model_spec_comes_back_from_json(spec: ModelSpec) -> None:
    assert parse(ModelSpec, json.loads(json.dumps(to_dict(spec)))) == spec
    assert spec.quantiles[spec.median] == 0.5


def test_the_interval_lies_between_the_outermost_quantiles() -> None:
    assert interval_level(ModelSpec().quantiles) == 0.9
    assert interval_level(ModelSpec(quantiles=(0.1, 0.5, 0.9)).quantiles) == 0.8


def test_the_hash_is_that_of_the_contents_in_every_process() -> None:
    canonical = json.dumps(DEFAULT_MODEL, sort_keys=True).encode()
    assert spec_hash(ModelSpec()) == hashlib.sha256(canonical).hexdigest()[:12]
    assert spec_hash(ModelSpec()) == spec_hash(parse(ModelSpec, DEFAULT_MODEL))


def test_the_hash_changes_with_every_field() -> None:
    assert set(OTHER_MODEL) == {field.name for field in fields(ModelSpec)}
    assert set(OTHER_TRAINING) == {field.name for field in fields(TrainSpec)}
    models = [replace(ModelSpec(), **{name: value}) for name, value in OTHER_MODEL.items()]
    trainings = [replace(TrainSpec(), **{name: value}) for name, value in OTHER_TRAINING.items()]
    hashes = [spec_hash(one) for one in (ModelSpec(), TrainSpec(), *models, *trainings)]
    assert len(set(hashes)) == len(hashes)


def test_the_order_of_layers_features_and_quantiles_is_part_of_the_hash() -> None:
    assert spec_hash(ModelSpec(units=(4, 8))) != spec_hash(ModelSpec(units=(8, 4)))
    there = ModelSpec(features=("open", "close"))
    back = ModelSpec(features=("close", "open"))
    assert spec_hash(there) != spec_hash(back)


def test_a_file_gives_both_specs_and_settings_change_them(tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    file.write_text('[model]\nunits = [16]\nfeatures = ["close"]\n[train]\nepochs = 3\nseed = 5\n')
    model, training = load_specs(file, ["units=[4, 8]", "target=level", "epochs=9", "learning_rate=1e-3"])
    assert model == ModelSpec(units=(4, 8), features=("close",), target="level")
    assert training == TrainSpec(seed=5, epochs=9, learning_rate=0.001)


def test_without_a_file_settings_change_the_defaults() -> None:
    assert load_specs(None) == (ModelSpec(), TrainSpec())
    model, training = load_specs(None, ['scaling="series"', "batch=64"])
    assert (model, training) == (ModelSpec(scaling="series"), TrainSpec(batch=64))


def test_the_last_of_equal_settings_counts() -> None:
    assert load_specs(None, ["epochs=3", "epochs=4"])[1].epochs == 4


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("units", "--set: expected key=value, got 'units'"),
        ("unts=[4]", "--set: expected a key of cell, units,"),
        ("=4", "--set: expected a key of cell, units,"),
        ("units=[4", "ModelSpec.units: expected a list, got '[4'"),
        ("units=", "ModelSpec.units: expected a list, got ''"),
        ("target=return", "ModelSpec.target: expected 'change' or 'level', got 'return'"),
        ("epochs=no", "TrainSpec.epochs: expected a valid integer"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(setting: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_specs(None, [setting])
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[model]\nunits = [", "expected TOML"),
        (b"\xff\xfe\x00", "expected TOML"),
        (b"[models]\nunits = [4]\n", "expected the tables [model] and [train], got 'models'"),
        (b"model = 3\n", "expected the tables [model] and [train], got 'model'"),
        (b"[model]\nunts = [4]\n", "ModelSpec.unts: expected one of cell, units"),
        (b"[train]\nepochs = 0\n", "TrainSpec.epochs: expected greater than or equal to 1, got '0'"),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "spec.toml"
    file.write_bytes(content)
    with pytest.raises(SpecError) as refused:
        load_specs(file)
    assert message in str(refused.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"--spec: expected a readable TOML file \(No such file or directory\)"):
        load_specs(tmp_path / "absent.toml")
