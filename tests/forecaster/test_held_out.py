from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from forecaster.errors import CorruptBundle
from forecaster.held_out import HeldOut


@pytest.fixture
def table() -> pd.DataFrame:
    symbols = [f"S{number:02d}" for number in range(20)]
    return pd.DataFrame(
        {
            "symbol": pd.Series([symbol for symbol in symbols for _ in range(7)], dtype="str"),
            "session": pd.DatetimeIndex(list(pd.bdate_range("2020-01-06", periods=7)) * 20).as_unit("s"),
            "0.5": [float(number) for number in range(140)],
        }
    )


def written(table: pd.DataFrame, path: Path, **options: int) -> HeldOut:
    table.to_parquet(path, index=False, **options)
    return HeldOut(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("rows", [5, 7, 1000])
def test_a_symbols_rows_wherever_the_groups_of_rows_end(table: pd.DataFrame, tmp_path: Path, rows: int) -> None:
    held = written(table, tmp_path / "evidence.parquet", row_group_size=rows)
    for symbol in ("S00", "S07", "S19"):
        expected = table[table["symbol"] == symbol].reset_index(drop=True)
        assert_frame_equal(held.of(symbol), expected, check_dtype=False)
    for unknown in ("A", "S075", "Z"):
        assert held.of(unknown).empty
        assert list(held.of(unknown).columns) == list(table.columns)


def test_what_happens_to_the_file_afterwards_changes_nothing(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "evidence.parquet"
    held = written(table, path)
    before = held.of("S03")
    with path.open("r+b") as file:  # in place: the same file, other bytes
        file.write(b"x" * 500)
    assert_frame_equal(held.of("S03"), before)
    path.unlink()
    assert_frame_equal(held.of("S03"), before)


def test_another_file_than_was_written_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "evidence.parquet"
    written(table, path)
    with pytest.raises(CorruptBundle, match="does not match its sha256"):
        HeldOut(path, "0" * 64)
    with pytest.raises(CorruptBundle, match="cannot be read"):
        HeldOut(tmp_path / "nothing.parquet", "0" * 64)
