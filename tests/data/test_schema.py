"""Tables of an earlier schema, of a later one, and of none that they name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from data.delta import KeyedTable
from data.errors import UnsupportedStore
from data.store import PriceStore
from tests.data.test_delta import SCHEMA, earlier_release, held, rows

ROOT = Path(__file__).parents[2]

# Ends the process, as a power cut does, before the named change of the table's metadata.
KILLED = """
import os, signal, sys
from deltalake.table import TableAlterer
setattr(TableAlterer, sys.argv[2], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
from tests.data.test_schema import table
table(sys.argv[1]).migrate()
"""


def table(uri: str | Path) -> KeyedTable:
    return KeyedTable(str(uri), SCHEMA, ("name", "day"), year_of="day", schema_version=2)


@pytest.fixture
def keyed(tmp_path: Path) -> KeyedTable:
    return table(tmp_path / "table")


def test_a_new_table_says_its_schema_from_its_first_version_on(keyed: KeyedTable) -> None:
    assert keyed.schema_version() is None
    assert keyed.migrate() is False
    assert keyed.version() is None
    keyed.upsert(rows(("a", "2024-01-01", 1.0)))
    assert (keyed.version(), keyed.schema_version()) == (0, 2)
    assert DeltaTable(keyed.uri).metadata().description == "stock-forecaster, schema 2"
    keyed.upsert(rows(("a", "2024-01-01", 2.0)))
    keyed.replace(rows(("b", "2024-01-01", 3.0)))
    keyed.checkpoint()
    assert keyed.schema_version() == 2
    assert keyed.migrate() is False


def test_a_table_of_the_first_release_is_read_as_it_is_and_migrated_once(keyed: KeyedTable) -> None:
    before = earlier_release(Path(keyed.uri))
    assert (keyed.schema_version(), keyed.version()) == (1, 1)
    assert held(keyed) == before[1]
    assert keyed.migrate() is True
    assert keyed.schema_version() == 2
    assert DeltaTable(keyed.uri).metadata().partition_columns == ["year"]
    assert held(keyed) == before[1]
    assert [held(keyed, version) for version in range(2)] == before
    done = keyed.version()
    assert keyed.migrate() is False
    assert keyed.version() == done


def test_a_table_that_lies_as_it_should_only_gets_its_number(keyed: KeyedTable) -> None:
    whole = rows(("a", "2024-01-01", 1.0)).append_column("year", pa.array([2024], pa.int32()))
    write_deltalake(keyed.uri, whole, partition_by=["year"])
    files = set(Path(keyed.uri).rglob("*.parquet"))
    assert keyed.migrate() is True
    assert (keyed.schema_version(), keyed.version()) == (2, 1)
    assert set(Path(keyed.uri).rglob("*.parquet")) == files


def test_what_a_newer_program_wrote_is_refused_by_name(keyed: KeyedTable) -> None:
    keyed.upsert(rows(("a", "2024-01-01", 1.0)))
    DeltaTable(keyed.uri).alter.set_table_description("stock-forecaster, schema 12")
    assert keyed.schema_version() == 12
    for use in (
        keyed.version,
        keyed.rows,
        keyed.migrate,
        lambda: keyed.select("select * from it"),
        lambda: keyed.upsert(rows(("b", "2024-01-01", 1.0))),
        lambda: keyed.replace(rows(("b", "2024-01-01", 1.0))),
    ):
        with pytest.raises(UnsupportedStore, match=r"schema 12, .* up to 2; install the version") as refused:
            use()
        assert (refused.value.found, refused.value.supported) == (12, 2)
    assert DeltaTable(keyed.uri).version() == 1


def test_a_description_that_somebody_wrote_is_no_schema(tmp_path: Path) -> None:
    small = KeyedTable(str(tmp_path / "table"), SCHEMA, ("name",))
    write_deltalake(small.uri, rows(("a", "2024-01-01", 1.0)), description="schema 9, of ours")
    assert small.schema_version() == 1
    assert small.migrate() is False


@pytest.mark.parametrize("before", ["set_table_properties", "set_table_description"])
def test_killed_in_between_a_table_is_the_old_one_or_the_new_one(keyed: KeyedTable, before: str) -> None:
    first, second = earlier_release(Path(keyed.uri))
    killed = subprocess.run([sys.executable, "-c", KILLED, keyed.uri, before], cwd=ROOT, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert keyed.schema_version() == 1
    assert held(keyed) == second
    assert [held(keyed, version) for version in range(2)] == [first, second]
    assert keyed.migrate() is True
    assert keyed.schema_version() == 2
    assert held(keyed) == second


def test_what_another_machine_writes_meanwhile_is_not_lost(keyed: KeyedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    _, before = earlier_release(Path(keyed.uri))
    laid_out_anew, others = keyed._laid_out_anew, [rows(("z", "2024-01-01", 7.0))]

    def overtaken(stale: DeltaTable) -> DeltaTable:
        if others:
            write_deltalake(keyed.uri, others.pop(), mode="append")
        return laid_out_anew(stale)

    monkeypatch.setattr(keyed, "_laid_out_anew", overtaken)
    assert keyed.migrate() is True
    assert held(keyed) == before | {("z", "2024-01-01"): 7.0}


def test_every_table_of_a_store_says_its_schema(tmp_path: Path) -> None:
    store = PriceStore(tmp_path)
    assert {name: one.supported for name, one in store.tables.items() if one.supported != 1} == {"bars": 2}
    assert {one.schema_version() for one in store.tables.values()} == {None}
