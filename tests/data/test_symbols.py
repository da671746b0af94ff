from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import MalformedSymbol, UnknownExchange
from data.symbols import exchange_of, parse_symbol
from tests.data.tables import several


@pytest.mark.parametrize("symbol", ["A", "AAPL", "BRK-B", "600519.SH", "0700.HK", "3M", "A" * 12, "A" * 12 + ".ABCD"])
def test_a_well_formed_symbol_passes_as_it_is(symbol: str) -> None:
    assert parse_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "aapl", " AAPL", "AAPL ", "AAPL\n", "-A", ".SH", "A.", "A.sh", "A.SHSHS", "A.SH.SH", "A" * 13),
        *("A_B", "A/B", "../A", "A'", "A;--", "A\x00", "ÀA", "\uff21", "A.S1", "A" * 100_000),
    ],
)
def test_anything_else_is_refused_and_shown_cut(text: str) -> None:
    with pytest.raises(MalformedSymbol) as caught:
        parse_symbol(text)
    assert caught.value.symbol == text
    message = str(caught.value)
    # A message must not carry a line break, a control character or a whole file into a log.
    assert message.replace("…", "").isascii()
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize(
    ("symbol", "exchange"),
    [
        ("600519.SH", "XSHG"),
        ("000001.SZ", "XSHG"),
        ("430047.BJ", "XSHG"),
        ("0700.HK", "XHKG"),
        ("AAPL.US", "XNYS"),
        ("AAPL", "XNYS"),
        ("BRK-B", "XNYS"),
    ],
)
def test_the_suffix_names_the_exchange(symbol: str, exchange: str) -> None:
    assert exchange_of(symbol) == exchange


def test_an_unknown_suffix_is_refused_with_what_is_known() -> None:
    with pytest.raises(UnknownExchange, match=r"VOD\.L: unknown exchange suffix '\.L'") as caught:
        exchange_of("VOD.L")
    assert caught.value.suffix == "L"
    assert set(caught.value.known) == {"SH", "SZ", "BJ", "HK", "US"}


@several
@given(st.text(max_size=30))
def test_no_text_with_a_character_outside_the_alphabet_passes(text: str) -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
    if text and set(text) <= alphabet:
        return
    with pytest.raises(MalformedSymbol):
        parse_symbol(text)
