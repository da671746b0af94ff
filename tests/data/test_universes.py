from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import MalformedSymbol, UnknownUniverse
from data.store import PriceStore
from data.universes import Universe, universe

CSI300 = "000300.SH"


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def test_all_stands_for_whatever_there_is(store: PriceStore) -> None:
    assert universe("all", store.facts, named={}) == Universe("all", None)


def test_a_file_holds_a_symbol_a_line(store: PriceStore, tmp_path: Path) -> None:
    file = tmp_path / "book.txt"
    file.write_text("# ours\n600519.SH\n\n  000001.SZ  # a bank\n600519.SH\n")
    assert universe(str(file), store.facts, named={}).symbols == ("000001.SZ", "600519.SH")


@pytest.mark.parametrize(
    ("text", "reason"), [(b"", "holds no symbol"), (b"# none\n", "holds no symbol"), (b"\xff\xfe", "UTF-8")]
)
def test_a_file_without_symbols_is_no_universe(store: PriceStore, tmp_path: Path, text: bytes, reason: str) -> None:
    file = tmp_path / "book.txt"
    file.write_bytes(text)
    with pytest.raises(UnknownUniverse, match=reason):
        universe(str(file), store.facts, named={})


def test_a_malformed_line_is_named(store: PriceStore, tmp_path: Path) -> None:
    file = tmp_path / "book.txt"
    file.write_text("600519.SH\n'; drop table\n")
    with pytest.raises(MalformedSymbol, match="drop table"):
        universe(str(file), store.facts, named={})


def test_members_of_an_index_are_asked_for_and_kept(store: PriceStore) -> None:
    asked: list[str] = []

    def members(index: str) -> list[str]:
        asked.append(index)
        return ["600519.SH", "000001.SZ"]

    with pytest.raises(UnknownUniverse, match=r"the members of 000300\.SH have not been fetched"):
        universe(CSI300, store.facts, named={})
    told = universe(CSI300, store.facts, named={}, members=members)
    assert told == universe(CSI300, store.facts, named={}) == Universe(CSI300, ("000001.SZ", "600519.SH"))
    assert asked == [CSI300]
    # A share that left the index is no member any more; other indices stay as they were.
    universe("000905.SH", store.facts, named={}, members=lambda index: ["000002.SZ"])
    universe(CSI300, store.facts, named={}, members=lambda index: ["600519.SH"])
    assert universe(CSI300, store.facts, named={}).symbols == ("600519.SH",)
    assert universe("000905.SH", store.facts, named={}).symbols == ("000002.SZ",)


def test_a_name_of_the_settings_stands_for_another(store: PriceStore, tmp_path: Path) -> None:
    file = tmp_path / "book.txt"
    file.write_text("600519.SH\n")
    named = {"book": str(file), "market": "all"}
    assert universe("book", store.facts, named=named) == Universe("book", ("600519.SH",))
    assert universe("market", store.facts, named=named).symbols is None
    with pytest.raises(UnknownUniverse, match=r"unknown universe 'bokk'.*\(book, market\)"):
        universe("bokk", store.facts, named=named)
