from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from forecaster.errors import CorruptCheckpoint, TrainingBusy
from forecaster.training.checkpoint import Checkpoint, State

KEY = "ab" * 32
STATE = State(
    {"epoch": 3, "loss": 0.1 + 0.2, "best": float("inf"), "history": [{"loss": 1e-9}]},
    {
        "weights0": np.random.default_rng(1).normal(size=(4, 3)).astype("f"),
        "memory0": np.array(17, dtype=np.int64),
        "empty": np.empty((0, 2), dtype="f"),
        "odd": np.array([np.nan, -0.0, 1e-45], dtype="f"),
    },
)


def bits(state: State | None) -> tuple[object, dict[str, tuple[str, tuple[int, ...], bytes]]]:
    assert state is not None
    return state.facts, {name: (one.dtype.str, one.shape, one.tobytes()) for name, one in state.arrays.items()}


def kept(folder: Path, key: str = KEY) -> Path:
    """A checkpoint that a process left; returns its file."""
    with Checkpoint(folder, key) as checkpoint:
        checkpoint.notes["run"] = "r1"
        checkpoint.write(STATE)
    return checkpoint.path / "state"


def refused(folder: Path) -> str:
    checkpoint = Checkpoint(folder, KEY)
    with checkpoint, pytest.raises(CorruptCheckpoint, match="nothing of it was loaded") as found:
        checkpoint.read()
    assert checkpoint.notes == {}
    return found.value.reason


def test_a_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    kept(tmp_path)
    with Checkpoint(tmp_path, KEY) as checkpoint:
        assert bits(checkpoint.read()) == bits(STATE)
        assert checkpoint.notes == {"run": "r1"}
        checkpoint.write(State({"epoch": 4}))
        assert bits(checkpoint.read()) == ({"epoch": 4}, {})


def test_there_is_nothing_before_the_first_time_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    with Checkpoint(tmp_path, KEY) as checkpoint:
        assert checkpoint.read() is None
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_is_done_leaves_nothing(tmp_path: Path) -> None:
    kept(tmp_path)
    with Checkpoint(tmp_path, KEY) as checkpoint:
        checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_was_saved_can_be_forgotten(tmp_path: Path) -> None:
    file = kept(tmp_path)
    with Checkpoint(tmp_path, KEY) as checkpoint:
        checkpoint.read()
        checkpoint.clear()
        assert (checkpoint.read(), checkpoint.notes) == (None, {})
        assert [one.name for one in file.parent.iterdir()] == [".lock"]


def test_what_a_killed_process_was_writing_is_deleted_by_whoever_goes_on(tmp_path: Path) -> None:
    file = kept(tmp_path)
    (file.parent / "draft-one").write_bytes(b"half a state")
    (file.parent / "draft-two" / ".bundle.half").mkdir(parents=True)
    with Checkpoint(tmp_path, KEY) as checkpoint:
        assert sorted(one.name for one in file.parent.iterdir()) == [".lock", "state"]
        assert checkpoint.read() is not None


@pytest.mark.parametrize("part", [0.0, 0.01, 0.05, 0.3, 0.6, 0.999])
def test_a_changed_byte_anywhere_is_found(tmp_path: Path, part: float) -> None:
    file = kept(tmp_path)
    content = bytearray(file.read_bytes())
    content[int(part * len(content))] ^= 1
    file.write_bytes(content)
    assert refused(tmp_path) in ("does not match its own sha256", "is no checkpoint of this version")


@pytest.mark.parametrize("length", [0, 10, 80, 500])
def test_half_a_file_is_found(tmp_path: Path, length: int) -> None:
    file = kept(tmp_path)
    file.write_bytes(file.read_bytes()[:length])
    refused(tmp_path)


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    other = kept(tmp_path / "other", "cd" * 32)
    (tmp_path / KEY[:16]).mkdir()
    (tmp_path / KEY[:16] / "state").write_bytes(other.read_bytes())
    assert refused(tmp_path) == "is that of another training"


def test_pickled_objects_are_not_read_even_under_a_right_hash(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    packed = io.BytesIO()
    np.savez(packed, allow_pickle=True, facts=np.array([Trap()], dtype=object))
    file = kept(tmp_path)
    form = file.read_bytes().partition(b"\n")[0]
    seal = hashlib.sha256(packed.getvalue()).hexdigest().encode()
    file.write_bytes(b"\n".join([form, seal, packed.getvalue()]))
    assert refused(tmp_path) == "is no checkpoint of this version"
    assert not (tmp_path / "sprung").exists()


def test_a_disk_that_fails_leaves_the_last_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    file = kept(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with Checkpoint(tmp_path, KEY) as checkpoint:
        with pytest.raises(OSError, match="No space left"):
            checkpoint.write(State({"epoch": 9}))
        assert bits(checkpoint.read()) == bits(STATE)
    assert sorted(one.name for one in file.parent.iterdir()) == [".lock", "state"]


def test_one_process_trains_at_a_time(tmp_path: Path) -> None:
    with Checkpoint(tmp_path, KEY), pytest.raises(TrainingBusy, match="another process trains exactly this"):
        Checkpoint(tmp_path, KEY).__enter__()
    with Checkpoint(tmp_path, KEY), Checkpoint(tmp_path, "cd" * 32):
        pass


def test_it_is_due_when_it_is_old_enough(tmp_path: Path) -> None:
    with Checkpoint(tmp_path, KEY, every=0) as often, Checkpoint(tmp_path, "cd" * 32) as seldom:
        assert (often.due, seldom.due) == (True, False)
