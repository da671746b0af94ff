from __future__ import annotations

import gzip
import io
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.bars import Validated, validate
from data.errors import DataError, MissingColumns, UnknownSymbol, UnreadableSource
from data.providers.base import Batch
from data.providers.files import FilesProvider

HEAD = "date,open,high,low,close,volume\n"
LINES = "2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(
    path: Path,
    *,
    mapping: dict[str, str] | None = None,
    symbols: list[str] | None = None,
    start: date | None = None,
    end: date | None = None,
) -> list[Batch]:
    return list(FilesProvider(path, mapping).batches(symbols, start, end))


def validated(path: Path, mapping: dict[str, str] | None = None) -> Validated:
    (batch,) = read(path, mapping=mapping)
    return validate(batch.table, source=batch.source)


def prices(n: int = 2, first: str = "2024-01-02") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.bdate_range(first, periods=n),
            "open": 10.0,
            "high": 12.0,
            "low": 9.0,
            "close": np.linspace(9.5, 11.5, n),
            "volume": 100,
        }
    )


def test_a_csv_file_becomes_bars_of_the_symbol_in_its_name(tmp_path: Path) -> None:
    found = validated(write(tmp_path, "aapl.csv", HEAD + LINES))
    assert found.counts() == {}
    rows = found.bars.frame.drop(columns=["amount"]).to_dict("list")
    assert rows == {
        "symbol": ["AAPL", "AAPL"],
        "session": [pd.Timestamp(2024, 1, 2), pd.Timestamp(2024, 1, 3)],
        "open": [10.0, 11.0],
        "high": [12.0, 13.0],
        "low": [9.0, 10.0],
        "close": [11.0, 12.0],
        "volume": [100.0, 200.0],
        "adj_factor": [1.0, 1.0],
    }
    assert found.bars.frame["amount"].isna().all()


@pytest.mark.parametrize(
    "name", ["600519.SH.csv", "600519.sh.CSV", "600519.SH.csv.gz", "600519.SH.PARQUET", "600519.SH.pq"]
)
def test_the_symbol_is_the_name_without_the_kind(tmp_path: Path, name: str) -> None:
    if name.endswith(".gz"):
        content = gzip.compress((HEAD + LINES).encode())
    elif name.lower().endswith(".csv"):
        content = (HEAD + LINES).encode()
    else:
        buffer = io.BytesIO()
        prices().to_parquet(buffer)
        content = buffer.getvalue()
    assert validated(write(tmp_path, name, content)).bars.symbols == ("600519.SH",)


def test_csv_and_parquet_of_the_same_rows_agree(tmp_path: Path) -> None:
    table = prices(5).assign(symbol="AAPL", adj_factor=[1.0, 1.0, 2.0, 2.0, 2.0])
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    one, other = (validated(tmp_path / name) for name in ("a.csv", "a.parquet"))
    assert len(one.bars) == 5
    pd.testing.assert_frame_equal(one.bars.frame, other.bars.frame)


def test_a_folder_gives_one_batch_a_file_by_name_and_ignores_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "msft.csv", HEAD + LINES)
    write(tmp_path, "aapl.csv", HEAD + LINES)
    write(tmp_path, "notes.txt", "not prices")
    (tmp_path / "sub.csv").mkdir()
    write(tmp_path / "sub.csv", "ibm.csv", HEAD + LINES)
    batches = read(tmp_path)
    assert [batch.source for batch in batches] == ["aapl.csv", "msft.csv"]
    assert [list(batch.table["symbol"].unique()) for batch in batches] == [["AAPL"], ["MSFT"]]
    assert FilesProvider(tmp_path).size(None) == 2


@pytest.mark.parametrize(
    "head",
    [
        "Ticker,Date,Open,High,Low,Close,Volume,Adj Factor",
        "ts_code,trade_date,open,high,low,close,vol,adj_factor",
        "CODE,Day,OPEN_PRICE,HighPrice,low price,Last,VOLUME,factor",
        "secID,Timestamp,openPrice,high-price,lowPrice,closePrice,Vol.,AdjFactor",
    ],
)
def test_columns_are_found_by_their_usual_names(tmp_path: Path, head: str) -> None:
    found = validated(write(tmp_path, "book.csv", f"{head}\n600519.SH,20240102,10,12,9,11,100,2.5\n"))
    assert found.counts() == {}
    (bar,) = found.bars.frame.to_dict("records")
    assert bar["symbol"] == "600519.SH"
    assert bar["session"] == pd.Timestamp(2024, 1, 2)
    assert [bar[name] for name in ("open", "high", "low", "close", "adj_factor")] == [10, 12, 9, 11, 2.5]
    # Tushare counts in lots of 100 shares.
    assert bar["volume"] == (10_000 if head.startswith("ts_code") else 100)


def test_a_mapping_goes_before_the_usual_names(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "when,date,Eröffnung,high,low,close,volume\n2024-01-02,1999-01-01,10,12,9,11,100\n")
    found = validated(path, {"session": "when", "open": "Eröffnung"})
    assert list(found.bars.frame["session"]) == [pd.Timestamp(2024, 1, 2)]
    assert list(found.bars.frame["open"]) == [10.0]


def test_a_mapping_to_an_absent_column_names_what_the_file_has(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEAD + LINES)
    with pytest.raises(MissingColumns) as caught:
        read(path, mapping={"close": "Schluss"})
    assert caught.value.missing == ("Schluss",)
    assert caught.value.found == ("date", "open", "high", "low", "close", "volume")


def test_a_mapping_of_an_unknown_column_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEAD + LINES)
    with pytest.raises(UnreadableSource, match=r"names price; expected one of symbol, session, open"):
        FilesProvider(path, {"price": "close"})


def test_the_first_of_two_columns_of_one_name_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "Date,DATE,open,high,low,close,volume\n2024-01-02,1999-01-01,10,12,9,11,1\n")
    assert list(validated(path).bars.frame["session"]) == [pd.Timestamp(2024, 1, 2)]


def test_a_missing_column_is_named_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "date,open,high,low,px\n2024-01-02,10,12,9,11\n")
    with pytest.raises(MissingColumns) as caught:
        read(path)
    assert caught.value.missing == ("close", "volume")
    assert caught.value.found == ("date", "open", "high", "low", "px")
    assert caught.value.source == str(path)


def test_an_assumed_factor_is_told(tmp_path: Path) -> None:
    (bare,) = read(write(tmp_path, "a.csv", HEAD + LINES))
    assert len(bare.notes) == 1
    assert "already adjusted" in bare.notes[0]
    (given_,) = read(write(tmp_path, "b.csv", HEAD.strip() + ",adj_factor\n" + "2024-01-02,10,12,9,11,1,2\n"))
    assert given_.notes == ()
    (derived,) = read(write(tmp_path, "c.csv", HEAD.strip() + ",Adj Close\n" + "2024-01-02,10,12,9,11,1,5.5\n"))
    assert "whole history" in derived.notes[0]


def test_rows_need_not_be_in_order_to_get_their_factors(tmp_path: Path) -> None:
    # A 2:1 split of A on the 4th, 3:1 of B on the 5th, newest first and the symbols mixed.
    lines = [
        "B,2024-01-05,10,12,9,10,1,10",
        "A,2024-01-05,10,12,9,11,1,11",
        "A,2024-01-04,10,12,9,10,1,10",
        "B,2024-01-04,30,36,27,33,1,11",
        "A,2024-01-03,20,24,18,22,1,11",
        "B,2024-01-03,30,36,27,30,1,10",
    ]
    found = validated(write(tmp_path, "x.csv", "symbol," + HEAD.strip() + ",Adj Close\n" + "\n".join(lines) + "\n"))
    assert found.counts() == {}
    assert found.bars.frame["adj_factor"].tolist() == pytest.approx([1 / 2, 1, 1, 1 / 3, 1 / 3, 1], rel=1e-12)


def test_days_without_padding_are_put_in_order_as_days(tmp_path: Path) -> None:
    # As text, 2024/1/10 sorts before 2024/1/9, and the factor would start at the wrong row.
    lines = "2024/1/10,10,12,9,10,1,10\n2024/1/9,20,24,18,20,1,10\n"
    found = validated(write(tmp_path, "x.csv", HEAD.strip() + ",Adj Close\n" + lines))
    assert found.bars.frame["adj_factor"].tolist() == [0.5, 1.0]


def test_an_index_kept_in_a_parquet_file_is_a_column(tmp_path: Path) -> None:
    # What `history.to_parquet()` of common vendors' packages writes.
    prices(3).set_index("date").to_parquet(tmp_path / "aapl.parquet")
    found = validated(tmp_path / "aapl.parquet")
    assert found.bars.frame["session"].dt.day.tolist() == [2, 3, 4]


def test_row_numbers_kept_in_a_parquet_file_do_not_mix_up_factors(tmp_path: Path) -> None:
    # One frame a day, put together without new row numbers: every row is called 0.
    days = [
        pd.DataFrame(
            {
                "symbol": ["A", "B"],
                "date": day,
                "open": close,
                "high": close,
                "low": close,
                "close": close,
                "volume": 1,
                "Adj Close": [10.0, 10.0],
            },
            index=[0, 0],
        )
        for day, close in [("2024-01-03", [20.0, 30.0]), ("2024-01-04", [10.0, 30.0]), ("2024-01-05", [10.0, 10.0])]
    ]
    pd.concat(days).to_parquet(tmp_path / "daily.parquet")
    found = validated(tmp_path / "daily.parquet")
    assert found.bars.frame["symbol"].tolist() == ["A", "A", "A", "B", "B", "B"]
    assert found.bars.frame["adj_factor"].tolist() == pytest.approx([1 / 2, 1, 1, 1 / 3, 1 / 3, 1], rel=1e-12)


def test_files_of_one_download_join_without_a_jump(tmp_path: Path) -> None:
    # A 2:1 split on the 3rd: each file alone must not begin with a factor of its own.
    write(tmp_path, "a1.csv", "symbol," + HEAD.strip() + ",Adj Close\n" + "A,2024-01-02,20,24,18,22,1,11\n")
    write(tmp_path, "a2.csv", "symbol," + HEAD.strip() + ",Adj Close\n" + "A,2024-01-03,10,12,9,11,1,11\n")
    factors = [batch.table["adj_factor"].iloc[0] for batch in read(tmp_path)]
    assert factors == [0.5, 1.0]


def test_tushares_own_units_become_shares_and_currency(tmp_path: Path) -> None:
    head = "ts_code,trade_date,open,high,low,close,vol,amount,adj_factor"
    lines = "600519.SH,20240102,10,12,9,11,3,4.5,1\n600519.SH,20240103,10,12,9,11,x,1,1\n"
    path = write(tmp_path, "daily.csv", f"{head}\n{lines}")
    (batch,) = read(path)
    assert "lots of 100" in batch.notes[0]
    found = validated(path)
    assert found.bars.frame[["volume", "amount"]].to_numpy().tolist() == [[300.0, 4500.0]]
    assert found.counts() == {"not_a_number": 1}


def test_a_number_that_cannot_be_read_reaches_the_quarantine_as_it_was_written(tmp_path: Path) -> None:
    found = validated(write(tmp_path, "a.csv", HEAD + "2024-01-02,10,12,9,11.OO,100\n"))
    assert found.counts() == {"not_a_number": 1}
    assert '"close":"11.OO"' in found.quarantine["raw"][0]


def test_a_short_line_is_set_aside_and_the_others_stay(tmp_path: Path) -> None:
    found = validated(write(tmp_path, "a.csv", HEAD + LINES + "2024-01-04,10,12\n"))
    assert (len(found.bars), found.counts()) == (2, {"missing_value": 1})


def test_a_file_name_that_is_no_symbol_is_set_aside_by_rows(tmp_path: Path) -> None:
    assert validated(write(tmp_path, "my prices.csv", HEAD + LINES)).counts() == {"bad_symbol": 2}


def test_a_file_with_a_heading_alone_has_no_rows(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path, "a.csv", HEAD))
    assert batch.table.empty
    assert len(validate(batch.table, source="a").bars) == 0


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert len(validated(write(tmp_path, "a.csv", b"\xef\xbb\xbf" + (HEAD + LINES).encode())).bars) == 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    "written", ["%Y-%m-%d", "%Y%m%d", "%Y%m%d.0", " %Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT15:00:00+08:00"]
)
def test_both_ends_of_a_span_are_included_however_days_are_written(tmp_path: Path, kind: str, written: str) -> None:
    table = prices(5)
    table["date"] = table["date"].dt.strftime(written)
    path = tmp_path / f"a.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    (batch,) = read(path, start=date(2024, 1, 3), end=date(2024, 1, 5))
    assert validate(batch.table, source="a").bars.frame["session"].dt.day.tolist() == [3, 4, 5]
    (later,) = read(path, start=date(2024, 1, 5))
    assert len(later.table) == 2
    (earlier,) = read(path, end=date(2024, 1, 2))
    assert len(earlier.table) == 1


def test_a_row_without_a_readable_day_stays_in_every_span(tmp_path: Path) -> None:
    # It belongs to the quarantine, not to nowhere.
    path = write(tmp_path, "a.csv", HEAD + LINES + "soon,10,12,9,11,100\n")
    (batch,) = read(path, start=date(2030, 1, 1))
    assert list(batch.table["session"]) == ["soon"]


def test_only_the_symbols_asked_for_come(tmp_path: Path) -> None:
    write(tmp_path, "us.csv", "symbol," + HEAD + "AAPL,2024-01-02,10,12,9,11,1\n MSFT ,2024-01-02,10,12,9,11,1\n")
    write(tmp_path, "ibm.csv", HEAD + LINES)
    batches = read(tmp_path, symbols=["MSFT", "IBM"])
    assert {batch.source: list(batch.table["symbol"].str.strip()) for batch in batches} == {
        "ibm.csv": ["IBM", "IBM"],
        "us.csv": ["MSFT"],
    }


def test_a_symbol_that_no_file_holds_is_told_after_the_last_file(tmp_path: Path) -> None:
    write(tmp_path, "aapl.csv", HEAD + LINES)
    write(tmp_path, "ibm.csv", HEAD + LINES)
    batches = FilesProvider(tmp_path).batches(["IBM", "TSLA"], None, None)
    assert [next(batches).source, next(batches).source] == ["aapl.csv", "ibm.csv"]
    with pytest.raises(UnknownSymbol) as caught:
        next(batches)
    assert caught.value.symbol == "TSLA"
    assert caught.value.available == ("AAPL", "IBM")


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="no such file or folder") as caught:
        FilesProvider(tmp_path / "gone.csv")
    assert caught.value.source == str(tmp_path / "gone.csv")


def test_a_folder_without_prices_is_told(tmp_path: Path) -> None:
    write(tmp_path, "readme.md", "nothing")
    with pytest.raises(UnreadableSource, match=r"holds no file ending in \.csv, \.csv\.gz, \.parquet, \.pq"):
        FilesProvider(tmp_path)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.csv.zip", "csv"])
def test_a_file_of_another_kind_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableSource, match="expected a name ending in"):
        FilesProvider(write(tmp_path, name, HEAD))


def parquet_bytes(table: pd.DataFrame | None = None) -> bytes:
    buffer = io.BytesIO()
    (prices(50) if table is None else table).to_parquet(buffer)
    return buffer.getvalue()


def damaged_gzip() -> bytes:
    whole = bytearray(gzip.compress((HEAD + LINES * 200).encode()))
    whole[20] ^= 0xFF
    whole[len(whole) // 2] ^= 0xFF
    return bytes(whole)


BROKEN = {
    "empty.csv": b"",
    "binary.csv": bytes(range(256)) * 8,
    "another_encoding.csv": "日期,开盘\n".encode("gbk"),
    "utf16.csv": (HEAD + LINES).encode("utf-16"),
    "open_quote.csv": (HEAD + '"2024-01-02,10\n').encode(),
    "long_line.csv": (HEAD + LINES + "2024-01-04,1,2,3,4,5,6,7,8\n").encode(),
    "not_gzip.csv.gz": (HEAD + LINES).encode(),
    "cut_off.csv.gz": gzip.compress((HEAD + LINES).encode())[:-12],
    "damaged.csv.gz": damaged_gzip(),
    "wrong_sum.csv.gz": gzip.compress((HEAD + LINES).encode())[:-8] + bytes(8),
    "empty.parquet": b"",
    "text.parquet": (HEAD + LINES).encode(),
    "binary.parquet": b"PAR1" + bytes(range(256)) + b"PAR1",
    "cut_off.parquet": parquet_bytes()[: len(parquet_bytes()) // 2],
    "no_footer.parquet": parquet_bytes()[:-8],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_clear_error_that_names_it(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, BROKEN[name])
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.source == str(path)
    assert caught.value.reason.strip()
    assert str(caught.value).startswith(f"cannot read prices from {path}: ")


def test_columns_of_one_name_in_a_parquet_file_are_told(tmp_path: Path) -> None:
    one = pa.array([1.0])
    pq.write_table(pa.Table.from_arrays([one, one], names=["close", "close"]), tmp_path / "a.parquet")
    with pytest.raises(UnreadableSource, match="occur twice: close, close"):
        read(tmp_path / "a.parquet")


def test_strange_columns_of_a_parquet_file_go_to_the_quarantine(tmp_path: Path) -> None:
    table = prices(3).assign(symbol=[b"AAPL", b"\xff\xfe", None], open=[[1.0], [2.0], None])
    table.to_parquet(tmp_path / "a.parquet")
    for symbols in (None, ["AAPL"]):
        (batch,) = read(tmp_path / "a.parquet", symbols=symbols)
        counts = validate(batch.table, source="a").counts()
        assert counts == ({"bad_symbol": 2, "not_a_number": 1} if symbols is None else {"not_a_number": 1})


@pytest.mark.parametrize("change", ["Int64", "category", "decimal", "tz"])
def test_typed_columns_of_a_parquet_file_are_read(tmp_path: Path, change: str) -> None:
    table = prices(3).assign(symbol="AAPL")
    if change == "Int64":
        table["volume"] = pd.array([100, None, 100], dtype="Int64")
    elif change == "category":
        table = table.astype({"symbol": "category", "volume": "category"})
    elif change == "decimal":
        table["close"] = pd.array([10.5, 10.5, 10.5], dtype=pd.ArrowDtype(pa.decimal128(8, 2)))
    else:
        table["date"] = table["date"].dt.tz_localize("Asia/Shanghai")
    table.to_parquet(tmp_path / "a.parquet")
    found = validated(tmp_path / "a.parquet")
    good, aside = (2, {"missing_value": 1}) if change == "Int64" else (3, {})
    assert (len(found.bars), found.counts()) == (good, aside)
    assert found.bars.frame["session"].iloc[0] == pd.Timestamp(2024, 1, 2)


@settings(max_examples=150, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3),
    cut=st.one_of(st.none(), st.integers(0, 10**6)),
    kind=st.sampled_from(["csv", "csv.gz", "parquet"]),
)
def test_no_damage_to_a_file_is_anything_but_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]], cut: int | None, kind: str
) -> None:
    content = {
        "csv": (HEAD + LINES).encode(),
        "csv.gz": gzip.compress((HEAD + LINES).encode()),
        "parquet": parquet_bytes(),
    }[kind]
    damaged = bytearray(content)
    for place, flip in places:
        damaged[place % len(damaged)] ^= flip
    whole = bytes(damaged) if cut is None else bytes(damaged)[: cut % len(damaged)]
    path = write(tmp_path_factory.mktemp("damaged"), f"aapl.{kind}", whole)
    try:
        batches = read(path)
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017 - either outcome is right
        return
    for batch in batches:
        found = validate(batch.table, source="damaged")
        assert len(found.bars) + len(found.quarantine) == len(batch.table)
