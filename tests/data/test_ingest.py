from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import data.ingest
from data.errors import StoreFull, UnknownSymbol, UnreadableSource
from data.ingest import ingest
from data.providers.base import Batch
from data.providers.files import FilesProvider
from data.providers.sample import SampleProvider
from data.store import PriceStore
from tests.data.tables import closes, row, table

NOW = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)


class Listed:
    """A source that holds what it is given; an error in the list is raised where it stands."""

    name = "listed"

    def __init__(self, *pieces: Batch | Exception) -> None:
        self.pieces = pieces
        self.asked: tuple[object, ...] = ()

    def batches(self, symbols: Sequence[str] | None, start: date | None, end: date | None) -> Iterator[Batch]:
        self.asked = (symbols, start, end)
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def size(self, symbols: Sequence[str] | None) -> int | None:
        return None


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def test_a_fetch_is_reported_in_rows(store: PriceStore) -> None:
    source = Listed(
        Batch("one", pd.concat([closes([10.0, 11.0]), table(row(symbol="?"), row(close="x"))]), ("a note",)),
        Batch("two", pd.concat([closes([20.0], symbol="MSFT"), table(row(close="y", symbol="MSFT"))])),
    )
    report = ingest(source, store, now=NOW)
    assert (report.read, report.inserted, report.updated, report.unchanged) == (6, 3, 0, 0)
    assert report.quarantined == {"bad_symbol": 1, "not_a_number": 2}
    assert report.quarantined_rows == 3
    assert report.symbols == {"AAPL", "MSFT"}
    assert report.notes == ["one: a note"]
    assert report.version == 0
    assert set(store.quarantined()["source"]) == {"listed:one", "listed:two"}


def test_running_twice_changes_nothing(store: PriceStore) -> None:
    source = Listed(
        Batch("one", pd.concat([closes([10.0, 11.0]), table(row(symbol="?"))])),
        Batch("two", closes([20.0], symbol="MSFT")),
    )
    ingest(source, store, now=NOW)
    before, aside = store.read(), store.quarantined()
    again = ingest(source, store, now=NOW + timedelta(days=1))
    assert (again.read, again.inserted, again.updated, again.unchanged) == (4, 0, 0, 3)
    assert again.version == store.version() == 0
    pd.testing.assert_frame_equal(store.read().frame, before.frame, check_exact=True)
    pd.testing.assert_frame_equal(store.quarantined(), aside)
    # It is still told that the source has a bad row, though it is kept already.
    assert again.quarantined == {"bad_symbol": 1}


def test_the_sample_twice_changes_nothing(store: PriceStore) -> None:
    first = ingest(SampleProvider(), store, now=NOW, symbols=["FB", "AAPL"])
    assert (first.inserted, first.version) == (3466, 0)
    again = ingest(SampleProvider(), store, now=NOW, symbols=["FB", "AAPL"])
    assert (again.inserted, again.updated, again.unchanged, again.version) == (0, 0, 3466, 0)


def test_a_changed_factor_updates_only_its_rows(store: PriceStore) -> None:
    ingest(Listed(Batch("one", closes([10.0, 11.0, 12.0, 13.0]))), store, now=NOW)
    changed = closes([10.0, 11.0, 12.0, 13.0], factor=[1.0, 1.0, 2.0, 2.0])
    report = ingest(Listed(Batch("one", changed)), store, now=NOW)
    assert (report.inserted, report.updated, report.unchanged, report.version) == (0, 2, 2, 1)
    assert store.read().frame["adj_factor"].tolist() == [1.0, 1.0, 2.0, 2.0]
    assert store.read(version=0).frame["adj_factor"].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_an_outage_half_way_leaves_what_was_committed(store: PriceStore) -> None:
    source = Listed(
        Batch("one", pd.concat([closes([10.0, 11.0]), table(row(symbol="?"))])),
        UnreadableSource("two", "the line went dead"),
        Batch("three", closes([20.0], symbol="MSFT")),
    )
    done: list[str] = []
    with pytest.raises(UnreadableSource, match="the line went dead"):
        ingest(source, store, now=NOW, progress=lambda batch: done.append(batch.source))
    assert done == ["one"]
    assert store.read().frame["close"].tolist() == [10.0, 11.0]
    assert list(store.quarantined()["reason"]) == ["bad_symbol"]
    # And the next run takes up the rest.
    report = ingest(Listed(source.pieces[0], source.pieces[2]), store, now=NOW)
    assert (report.inserted, report.unchanged) == (1, 2)


def test_an_unknown_symbol_is_told_after_the_known_ones_are_stored(store: PriceStore) -> None:
    with pytest.raises(UnknownSymbol):
        ingest(SampleProvider(), store, now=NOW, symbols=["FB", "TSLA"])
    assert store.read().symbols == ("FB",)


def test_progress_is_told_of_each_piece(store: PriceStore) -> None:
    told: list[str] = []
    source = Listed(*(Batch(symbol, closes([1.0], symbol=symbol)) for symbol in ("A", "B", "C")))
    ingest(source, store, now=NOW, progress=lambda batch: told.append(batch.source))
    assert told == ["A", "B", "C"]
    assert store.version() == 0  # three small pieces are one commit


def test_large_pieces_are_committed_while_the_next_ones_come(
    store: PriceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data.ingest, "_ROWS_A_COMMIT", 100)
    versions: list[int | None] = []
    source = Listed(*(Batch(name, closes([1.0] * 100, symbol=name)) for name in ("A", "B", "C", "D")))
    # Each commit ends before the next begins, so after piece n all but the newest are there.
    report = ingest(source, store, now=NOW, progress=lambda batch: versions.append(PriceStore(store.uri).version()))
    for number, seen in enumerate(versions):
        assert (-1 if seen is None else seen) in (number - 1, number)
    assert (report.version, report.inserted) == (3, 400)


def test_a_piece_that_repeats_bars_of_another_is_committed_after_it(store: PriceStore) -> None:
    source = Listed(Batch("first", closes([10.0, 11.0])), Batch("again", closes([10.0, 12.0])))
    report = ingest(source, store, now=NOW)
    assert (report.inserted, report.updated, report.unchanged, report.version) == (2, 1, 1, 1)
    assert store.read().frame["close"].tolist() == [10.0, 12.0]


def test_a_commit_that_fails_ends_the_fetch_with_its_error(store: PriceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.ingest, "_ROWS_A_COMMIT", 1)
    monkeypatch.setattr("data.delta.shutil.disk_usage", lambda folder: SimpleNamespace(free=0))
    told: list[str] = []
    source = Listed(*(Batch(name, closes([1.0], symbol=name)) for name in ("A", "B", "C")))
    with pytest.raises(StoreFull, match="free some space"):
        ingest(source, store, now=NOW, progress=lambda batch: told.append(batch.source))
    assert told in ([], ["A"])
    assert store.version() is None
    monkeypatch.undo()
    assert ingest(source, store, now=NOW).inserted == 3


def test_a_moment_without_a_time_zone_is_refused(store: PriceStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        ingest(Listed(), store, now=datetime(2024, 6, 3, 12, 0))


def test_what_is_asked_for_reaches_the_source(store: PriceStore) -> None:
    source = Listed()
    report = ingest(source, store, now=NOW, symbols=["A"], start=date(2024, 1, 1), end=date(2024, 1, 2))
    assert source.asked == (["A"], date(2024, 1, 1), date(2024, 1, 2))
    assert (report.read, report.version) == (0, None)


def test_a_piece_without_a_good_row_writes_no_bars(store: PriceStore) -> None:
    report = ingest(Listed(Batch("one", table(row(symbol="?"), row(close=-1)))), store, now=NOW)
    assert (report.read, report.inserted, report.quarantined_rows, report.version) == (2, 0, 2, None)
    assert store.version() is None


@pytest.mark.parametrize(
    "now",
    # 10:30 UTC on 3 June: 00:30 on the 4th at UTC+14, the first place on earth. One instant, three clocks.
    [
        datetime(2024, 6, 3, 10, 30, tzinfo=UTC),
        datetime(2024, 6, 3, 18, 30, tzinfo=timezone(timedelta(hours=8))),
        datetime(2024, 6, 2, 22, 30, tzinfo=timezone(timedelta(hours=-12))),
        datetime(2024, 6, 4, 0, 30, tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_a_day_that_has_begun_nowhere_is_in_the_future(store: PriceStore, now: datetime) -> None:
    rows = table(*(row(session=f"2024-06-0{day}") for day in (3, 4, 5)))
    report = ingest(Listed(Batch("one", rows)), store, now=now)
    assert report.quarantined == {"in_the_future": 1}
    assert store.read().frame["session"].dt.day.tolist() == [3, 4]


def test_files_on_disk_become_bars_in_the_store(store: PriceStore, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    for symbol, values in {"aapl": [10.0, 11.0], "600519.SH": [1700.0]}.items():
        closes(values).drop(columns=["symbol", "adj_factor"]).to_csv(folder / f"{symbol}.csv", index=False)
    report = ingest(FilesProvider(folder), store, now=NOW)
    assert store.read().symbols == ("600519.SH", "AAPL")
    assert store.read(["AAPL"]).frame["close"].tolist() == [10.0, 11.0]
    assert [note.split(":")[0] for note in report.notes] == ["600519.SH.csv", "aapl.csv"]
