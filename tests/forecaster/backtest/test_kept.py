from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from forecaster.backtest import kept as module
from forecaster.backtest.kept import Kept, Result

TABLE = pd.DataFrame({"symbol": pd.Series(["A"], dtype="str"), "origin": pd.to_datetime(["2020-01-06"]), "0.5": [1.0]})


def test_a_result_is_found_by_the_inputs_it_rests_on(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "tasks")
    assert not kept.has("naive-fold-1", "one")
    kept.put("naive-fold-1", "one", Result(TABLE, {"fits": 3}, 1.25))
    found = kept.get("naive-fold-1", "one")
    assert found is not None
    assert (found.notes, found.seconds) == ({"fits": 3}, 1.25)
    pd.testing.assert_frame_equal(found.table, TABLE)
    assert kept.get("naive-fold-1", "two") is None
    assert [path.name for path in kept.folder.iterdir()] == ["naive-fold-1.parquet"]
    kept.forget("naive-fold-1")
    assert not kept.has("naive-fold-1", "one")


def test_a_file_that_lost_a_part_of_it_counts_as_none(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put("x", "one", Result(TABLE, {}, 0.0))
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: len(whole) // 2])
    assert not kept.has("x", "one")
    TABLE.to_parquet(tmp_path / "x.parquet")  # somebody else's
    assert kept.get("x", "one") is None


def test_a_write_that_breaks_leaves_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path)
    kept.put("x", "one", Result(TABLE, {}, 0.0))

    def full(table: object, path: Path) -> None:
        path.write_bytes(b"PAR1")
        raise OSError("no space left on device")

    monkeypatch.setattr(module.pq, "write_table", full)
    with pytest.raises(OSError, match="no space left"):
        kept.put("x", "two", Result(TABLE, {}, 0.0))
    assert kept.has("x", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_marks_say_how_far_a_task_is(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert (kept.begun("x"), kept.failure("x")) == (None, None)
    kept.begin("x")
    kept.begin("x", "epoch 2")
    assert kept.begun("x") == "epoch 2"
    kept.end("x", "too few sessions")
    assert (kept.begun("x"), kept.failure("x")) == (None, "too few sessions")
    kept.clear("x")
    assert kept.failure("x") is None
