"""The page is read back: as HTML, as SVG, and from pixels to prices along the axes that it draws itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from forecaster.bundle import Bundle
from forecaster.diagnostics.coverage import LevelCoverage, coverage
from forecaster.diagnostics.diagnostics import Diagnostics, to_dict
from forecaster.diagnostics.lag import lag
from forecaster.diagnostics.record import Floats, ForecastRecord
from forecaster.diagnostics.table import column, naive_column
from forecaster.diagnostics.verdict import VerdictCode
from forecaster.evidence import diagnose_all
from forecaster.report import charts, report_html
from forecaster.report.calibration import band, calibration
from forecaster.report.formats import decimal, percentage, price, signed_price
from forecaster.report.svg import date_ticks, padded, tick_labels, ticks
from forecaster.spec import ModelSpec
from tests.forecaster.diagnostics.records import noisy, record, seeds, sizes, walk

HOSTILE = """<script>alert("x")</script>&'"><svg onload=alert(1)>"""
SPEC = ModelSpec()
NS = "{http://www.w3.org/2000/svg}"
MINUS = "\N{MINUS SIGN}"
VOID = {"meta", "br", "hr", "img", "input", "link"}
SESSIONS = {"ECHO": 250, "GOOD": 80, HOSTILE: 130, "SHORT": 59, "FLAT": 70}


def rows(symbol: str, closes: Floats, forecast: Floats) -> pd.DataFrame:
    """Evidence of one symbol; `closes` is one longer than `forecast`. Quantiles are 1 % of the close apart."""
    session = pd.bdate_range("2024-01-02", periods=forecast.size)
    steps = np.arange(len(SPEC.quantiles)) - len(SPEC.quantiles) // 2
    return pd.DataFrame(
        {
            "symbol": symbol,
            "origin": session - pd.offsets.BDay(),
            "session": session,
            "actual": closes[1:],
            "previous_close": closes[:-1],
            "in_sample_mae": 1.5,
            "in_sample_mse": 4.0,
            **{
                column(level): forecast + 0.01 * step * closes[0]
                for level, step in zip(SPEC.quantiles, steps, strict=True)
            },
            **{
                naive_column(level): closes[:-1] + 0.012 * step * closes[0]
                for level, step in zip(SPEC.quantiles, steps, strict=True)
            },
        }
    )


@pytest.fixture(scope="module")
def evidence() -> pd.DataFrame:
    noise = np.random.default_rng(7).normal(0.0, 1.0, 300)
    tables = []
    for seed, (symbol, n) in enumerate(SESSIONS.items()):
        closes = walk(seed, n + 1) if symbol != "FLAT" else np.full(n + 1, 40.0)
        knowing, blur = {"GOOD": (0.7, 0.3), "FLAT": (0.0, 0.0)}.get(symbol, (0.0, 0.8))
        tables.append(rows(symbol, closes, closes[:-1] + knowing * np.diff(closes) + blur * noise[:n]))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def found(evidence: pd.DataFrame) -> dict[str, Diagnostics]:
    return dict(diagnose_all(evidence, SPEC.quantiles))


@pytest.fixture(scope="module")
def bundle(found: dict[str, Diagnostics]) -> Bundle:
    training = {"trained_through": "2023-12-29", "held_out_from": "2024-01-02", "held_out_to": "2024-12-16"}
    manifest = {
        "spec": asdict(SPEC),
        "training": training,
        "diagnostics": {symbol: to_dict(one) for symbol, one in found.items()},
    }
    return Bundle(Path("unused"), manifest)


@pytest.fixture(scope="module")
def symbols(found: dict[str, Diagnostics]) -> list[str]:
    return [*found, "UNKNOWN"]


@pytest.fixture(scope="module")
def page(symbols: list[str], bundle: Bundle, evidence: pd.DataFrame) -> str:
    return report_html(symbols, bundle, evidence, f"next-close {HOSTILE} version 3")


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed, in order. Keeps tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"attribute twice in {tag}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.text.setdefault(self.open[-1], []).append(data)

    def tags(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def sections(page: str) -> list[str]:
    return re.findall(r"<section .*?</section>", page, flags=re.DOTALL)


def drawings(html: str) -> Iterator[ET.Element]:
    for drawing in re.findall(r"<svg .*?</svg>", html, flags=re.DOTALL):
        yield ET.fromstring(drawing)


def by_class(drawing: ET.Element, css: str) -> list[ET.Element]:
    return [one for one in drawing.iter() if one.get("class") == css]


def values_at(drawing: ET.Element, y: Floats) -> Floats:
    """Data values of vertical positions, by nothing but the drawing's own grid lines and their labels."""
    lines = [float(one.attrib["y1"]) for one in by_class(drawing, "grid")]
    labels = [one.text or "" for one in by_class(drawing, "tick") if one.get("text-anchor") == "end"]
    numbers = [float(label.replace(MINUS, "-").replace(",", "")) for label in labels[: len(lines)]]
    assert len(numbers) == len(lines) >= 2
    slope, offset = np.polyfit(lines, numbers, 1)
    return np.asarray(slope * y + offset, dtype=np.float64)


def points(path: ET.Element) -> tuple[Floats, Floats]:
    numbers = np.array(re.findall(r"-?[\d.]+", path.attrib["d"]), dtype=np.float64)
    return numbers[::2], numbers[1::2]


def chart(page: str, symbol: str, symbols: list[str], css: str, position: int = 0) -> ET.Element:
    own = sections(page)[symbols.index(symbol)]
    return [one for one in drawings(own) if one.get("class") == css][position]


def test_the_page_is_well_formed_and_complete(page: str) -> None:
    read = Reader(page)
    assert page.startswith("<!DOCTYPE html>")
    assert read.tags("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in read.tags("meta")
    assert len(read.tags("h1")) == 1
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for attributes in read.tags("a")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert {one["aria-labelledby"] for _, one in read.elements if "aria-labelledby" in one} <= set(ids)


def test_nothing_is_loaded_and_nothing_runs(page: str) -> None:
    outside = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|//|@import|url\(|javascript:", outside.replace("</", ""))
    read = Reader(page)
    assert not {tag for tag, _ in read.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "srcset"}], tag
    policy = [one["content"] for one in read.tags("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_header_says_which_model_this_is(page: str) -> None:
    read = Reader(page)
    assert read.text["h1"] == [f"next-close {HOSTILE} version 3"]
    assert read.text["dd"][:3] == ["2023-12-29", "2024-01-02 to 2024-12-16", "6"]


def test_every_symbol_has_a_verdict_in_the_contents_and_a_section(
    page: str, symbols: list[str], found: dict[str, Diagnostics]
) -> None:
    assert Reader(page).text["a"][: len(symbols)] == symbols
    assert len(sections(page)) == len(symbols)
    for symbol, section in zip(symbols, sections(page), strict=True):
        read = Reader(section)
        assert read.text["h2"] == [symbol]
        badge = next(one for one in read.tags("span") if "badge" in one["class"])
        code = found[symbol].verdict.code if symbol in found else VerdictCode.INSUFFICIENT_DATA
        assert badge == {"class": f"badge {code.value}", "title": code.value}
        if symbol in found:
            assert found[symbol].verdict.text in read.text["p"]


def test_the_samples_are_what_the_tests_say(found: dict[str, Diagnostics]) -> None:
    assert found["GOOD"].verdict.code is VerdictCode.BEATS_NAIVE
    assert found["SHORT"].verdict.code is VerdictCode.INSUFFICIENT_DATA
    assert found["ECHO"].lag is not None
    assert found["ECHO"].lag.best_lag == 1


def test_hostile_text_stays_text(page: str, symbols: list[str]) -> None:
    assert "<script" not in page
    assert "<svg onload" not in page
    labels = [one.attrib["aria-label"] for one in drawings(sections(page)[symbols.index(HOSTILE)])]
    assert len(labels) == 7
    assert all(label.startswith(f"{HOSTILE}: ") for label in labels)


def test_insufficient_data_draws_nothing(page: str, symbols: list[str]) -> None:
    for symbol, sessions in (("SHORT", 59), ("UNKNOWN", 0)):
        section = sections(page)[symbols.index(symbol)]
        assert "<svg" not in section
        assert "<table" not in section
        assert f"insufficient data: {sessions} sessions, at least 60 are needed" in section
        assert "Nothing is drawn" in section


def test_every_picture_can_be_read_aloud_and_scales(page: str) -> None:
    pictures = list(drawings(page))
    assert pictures
    for picture in pictures:
        assert picture.get("role") == "img"
        assert picture.get("aria-label")
        assert picture.get("width") == "100%"
        assert picture.get("viewBox")


def test_every_table_has_headers(page: str) -> None:
    for table in re.findall(r"<table.*?</table>", page, flags=re.DOTALL):
        read = Reader(table)
        columns = [one for one in read.tags("th") if one["scope"] == "col"]
        assert len(columns) == len(read.tags("td")) / (len(read.tags("tr")) - 1) + ("scope='row'" in table)


@pytest.mark.parametrize("symbol", ["ECHO", "GOOD", HOSTILE])
def test_the_correlograms_bars_are_the_correlations(
    page: str, symbols: list[str], evidence: pd.DataFrame, symbol: str
) -> None:
    own = evidence[evidence["symbol"] == symbol]
    moves, closes = np.diff(own["0.5"].to_numpy()), np.diff(own["actual"].to_numpy())
    expected = np.array([np.corrcoef(moves[k:], closes[: closes.size - k])[0, 1] for k in range(11)])

    drawing = chart(page, symbol, symbols, "chart half")
    bars = [one for one in drawing.iter(f"{NS}rect") if (one.get("class") or "").startswith("bar")]
    assert len(bars) == 11
    top = np.array([float(bar.attrib["y"]) for bar in bars])
    height = np.array([float(bar.attrib["height"]) for bar in bars])
    upper, lower = values_at(drawing, top), values_at(drawing, top + height)
    # Positions have one decimal of about 1/200 of the axis.
    np.testing.assert_allclose(np.where(expected > 0.0, upper, lower), expected, atol=1e-3)
    np.testing.assert_allclose(np.where(expected > 0.0, lower, upper), 0.0, atol=1e-3)
    assert [k for k, bar in enumerate(bars) if bar.get("class") == "bar best"] == [int(expected.argmax())]
    x = np.array([float(bar.attrib["x"]) for bar in bars])
    assert np.ptp(np.diff(x)) < 0.2
    assert "a bar at 1: the forecast repeats yesterday" in page


@pytest.mark.parametrize("css", ["chart wide", "chart narrow"])
def test_the_large_chart_shows_the_last_sessions(
    page: str, symbols: list[str], evidence: pd.DataFrame, css: str
) -> None:
    own = evidence[evidence["symbol"] == "ECHO"].tail(120)
    drawing = chart(page, "ECHO", symbols, css)
    for line, name in (("actual", "actual"), ("forecast", "0.5")):
        path = next(one for one in by_class(drawing, line) if one.tag == f"{NS}path")
        x, y = points(path)
        assert x.size == 120
        assert np.ptp(np.diff(x)) < 0.21  # one step a session, whatever the days between
        np.testing.assert_allclose(values_at(drawing, y), own[name], atol=0.05)
    _, y = points(next(one for one in by_class(drawing, "band") if one.tag == f"{NS}path"))
    np.testing.assert_allclose(values_at(drawing, y[:120]), own["0.95"], atol=0.05)
    np.testing.assert_allclose(values_at(drawing, y[120:])[::-1], own["0.05"], atol=0.05)
    keys = [one.text for one in by_class(drawing, "key")]
    assert keys == ["actual close", "forecast", "90 % interval"]


def test_pointing_at_a_session_tells_its_figures(page: str, symbols: list[str], evidence: pd.DataFrame) -> None:
    last = evidence[evidence["symbol"] == "ECHO"].iloc[-1]
    told = [one.findtext(f"{NS}title") or "" for one in by_class(chart(page, "ECHO", symbols, "chart wide"), "hit")]
    assert len(told) == 120
    assert told[-1] == (
        f"{last['session']:%Y-%m-%d}: close {last['actual']:.2f}, forecast {last['0.5']:.2f}, "
        f"interval {last['0.05']:.2f} to {last['0.95']:.2f}"
    )


def test_the_overview_shows_the_whole_span_where_there_is_more(page: str, symbols: list[str]) -> None:
    drawing = chart(page, "ECHO", symbols, "chart overview wide")
    x, _ = points(by_class(drawing, "actual thin")[0])
    assert x.size == 250
    window = by_class(drawing, "window")[0]
    assert float(window.attrib["x"]) == pytest.approx(x[130], abs=0.11)
    assert "overview" not in sections(page)[symbols.index("GOOD")]  # 80 sessions: the large chart has them all


@pytest.mark.parametrize(("symbol", "better"), [("ECHO", False), ("GOOD", True)])
def test_the_cumulative_error_is_the_running_difference(
    page: str, symbols: list[str], evidence: pd.DataFrame, symbol: str, better: bool
) -> None:
    own = evidence[evidence["symbol"] == symbol]
    expected, sum_so_far = [0.0], 0.0
    for actual, forecast, previous in zip(own["actual"], own["0.5"], own["previous_close"], strict=True):
        sum_so_far += abs(forecast - actual) - abs(previous - actual)
        expected.append(sum_so_far)
    drawing = chart(page, symbol, symbols, "chart half", 1)
    _, y = points(by_class(drawing, "total")[0])
    np.testing.assert_allclose(values_at(drawing, y), expected, atol=0.06 + 0.002 * np.ptp(expected))
    zero = float(by_class(drawing, "zero")[0].attrib["y1"])
    assert values_at(drawing, np.array([zero]))[0] == pytest.approx(0.0, abs=0.05)
    assert (expected[-1] < 0.0) == better
    caption = f"In the end it had missed by {price(abs(expected[-1]))} {'less' if better else 'more'} than"
    assert caption in sections(page)[symbols.index(symbol)]


def intervals(own: pd.DataFrame) -> dict[float, float]:
    """Share of closes inside each central interval, in percent."""
    levels = [level for level in SPEC.quantiles if level < 0.5]
    return {
        100.0 - 200.0 * level: 100.0 * float(own["actual"].between(own[column(level)], own[column(1.0 - level)]).mean())
        for level in levels
    }


@pytest.mark.parametrize("symbol", ["ECHO", "GOOD"])
def test_the_calibrations_marks_are_the_shares_inside(
    page: str, symbols: list[str], evidence: pd.DataFrame, symbol: str
) -> None:
    expected = sorted(intervals(evidence[evidence["symbol"] == symbol]).items())
    assert len(expected) == 4
    drawing = chart(page, symbol, symbols, "chart half calibration")
    x, y = points(by_class(drawing, "total")[0])
    np.testing.assert_allclose(values_at(drawing, y), [kept for _, kept in expected], atol=0.1)
    ticks_at = {
        one.text: float(one.attrib["x"]) for one in by_class(drawing, "tick") if one.get("text-anchor") == "middle"
    }
    scale = (ticks_at["100"] - ticks_at["0"]) / 100.0
    np.testing.assert_allclose((x - ticks_at["0"]) / scale, [promised for promised, _ in expected], atol=0.1)
    marks = [one for one in drawing.iter(f"{NS}rect") if (one.get("class") or "").startswith("mark")]
    assert [float(one.attrib["x"]) + 4.5 for one in marks] == pytest.approx(x.tolist(), abs=0.2)


def test_a_mark_outside_what_chance_does_is_coloured() -> None:
    # Of 100 sessions a 90 % interval holds 84 to 95 by chance, as the next test counts.
    found = [LevelCoverage(0.5, 0.5, 1.0, 1.0), LevelCoverage(0.9, 0.83, 2.0, 0.03)]
    drawing = ET.fromstring(calibration("S", found, 100))
    assert [len(by_class(drawing, css)) for css in ("mark", "mark off")] == [1, 1]
    told = by_class(drawing, "mark off")[0].findtext(f"{NS}title")
    assert told == "90 % interval: 83 % inside, 84 % to 95 % by chance"


@pytest.mark.parametrize(("n", "share"), [(60, 0.9), (100, 0.9), (250, 0.5), (250, 0.2)])
def test_the_band_leaves_out_one_in_forty_on_each_side(n: int, share: float) -> None:
    chances = [math.comb(n, k) * share**k * (1.0 - share) ** (n - k) for k in range(n + 1)]
    low, high = (round(float(one[0]) * n) for one in band(np.array([share]), n))
    assert math.fsum(chances[:low]) < 0.025 <= math.fsum(chances[: low + 1])
    assert math.fsum(chances[high + 1 :]) <= 0.025 < math.fsum(chances[high:])


def test_every_interval_has_a_row(page: str, symbols: list[str], evidence: pd.DataFrame) -> None:
    own = evidence[evidence["symbol"] == "GOOD"]
    read = Reader(sections(page)[symbols.index("GOOD")])
    for promised, kept in intervals(own).items():
        assert f"{promised:.0f} %" in read.text["th"]
        assert f"{kept:.1f} %" in read.text["td"]


def test_the_worst_days_are_the_largest_misses(page: str, symbols: list[str], evidence: pd.DataFrame) -> None:
    own = evidence[evidence["symbol"] == "ECHO"].set_index("session")
    missed = ((own["0.5"] - own["actual"]).abs() / own["previous_close"]).nlargest(5)
    section = sections(page)[symbols.index("ECHO")]
    table = section[section.index("<h3>Worst days</h3>") :]
    read = Reader(table[: table.index("</table>") + len("</table>")])
    assert read.text["th"][4:] == [f"{day:%Y-%m-%d}" for day in missed.index]
    assert read.text["td"][2::3] == [f"{100 * share:.1f} %" for share in missed]
    naive = (own["previous_close"] - own["actual"]).abs() / own["previous_close"]
    assert read.text["small"] == [f"yesterday's close: {100 * naive[day]:.1f} %" for day in missed.index]


def test_the_contents_tell_what_many_tests_are_worth(page: str) -> None:
    # 4 symbols have enough sessions, and FLAT's test is undefined; with 4 a session no cross-section is looked at.
    assert "1 of 4 symbols beats yesterday&#x27;s close; 1 of them remains when 3 tests are allowed for" in page
    assert "RankIC " not in page[: page.index("<section")]


def test_every_verdict_is_told_in_chinese_too(page: str, found: dict[str, Diagnostics], symbols: list[str]) -> None:
    for symbol, section in zip(symbols, sections(page), strict=True):
        assert "lang='zh-Hans'" in section
        if symbol in found:
            assert found[symbol].verdict.text_zh in Reader(section).text["p"]


def test_the_tables_hold_the_figures(page: str, symbols: list[str], evidence: pd.DataFrame) -> None:
    own = evidence[evidence["symbol"] == "GOOD"]
    error = (own["0.5"] - own["actual"]).abs().mean()
    naive = (own["previous_close"] - own["actual"]).abs().mean()
    inside = own["actual"].between(own["0.05"], own["0.95"]).mean()
    section = sections(page)[symbols.index("GOOD")]
    tables = Reader(section[section.index("<div class='tables'>") : section.index("<p class='back'>")])
    values, units = tables.text["td"], tables.text["small"]
    assert values[:2] == [f"{100 * (1 - error / naive):.0f} %", f"{error:.2f}" if error >= 1 else f"{error:.4g}"]
    assert f"{error / 1.5:.2f}" in values  # MASE
    assert f"{100 * inside:.1f} %" in values
    slope, _ = np.polyfit(own["0.5"] / own["previous_close"] - 1, own["actual"] / own["previous_close"] - 1, 1)
    assert f"{slope:.2f}" in values
    squares = [(((own[name] - own["actual"]) / own["previous_close"]) ** 2).sum() for name in ("0.5", "previous_close")]
    explained = 1 - squares[0] / squares[1]
    assert f"{100 * explained:.2f} %" in values
    loss, naive_loss = (
        np.mean(
            [
                np.maximum(level * (own["actual"] - own[name(level)]), (level - 1) * (own["actual"] - own[name(level)]))
                for level in SPEC.quantiles
            ]
        )
        for name in (column, naive_column)
    )
    assert price(float(loss)) in values
    assert f"{100 * abs(1 - loss / naive_loss):.0f} %" in values
    assert "in the price's currency" in units


def test_what_is_undefined_says_so(page: str, symbols: list[str]) -> None:
    section = sections(page)[symbols.index("FLAT")]
    assert section.count("not defined") >= 5
    drawing = chart(page, "FLAT", symbols, "chart half")
    assert not list(drawing.iter(f"{NS}rect"))
    assert "not defined: nothing varies" in [one.text for one in drawing.iter(f"{NS}text")]
    assert "just as much as yesterday's close" in section


@given(seed=seeds, n=sizes)
@settings(max_examples=25, deadline=None)
def test_every_drawing_stays_inside_its_canvas(seed: int, n: int) -> None:
    drawn = [noisy(seed, n), scaled(noisy(seed, n), 1e-7), scaled(noisy(seed, n), 1e9)]
    for one in drawn:
        for drawing in (
            charts.price_chart("S", one, charts.WIDE),
            charts.price_chart("S", one, charts.NARROW),
            charts.overview("S", one, charts.NARROW),
            charts.correlogram("S", lag(one)),
            charts.cumulative("S", one),
            calibration("S", coverage(one).levels or (), one.n),
        ):
            assert_inside(ET.fromstring(drawing))


def scaled(one: ForecastRecord, factor: float) -> ForecastRecord:
    closes = np.concatenate([one.previous_close[:1], one.actual]) * factor
    return record(closes, one.forecast * factor, width=4.0 * factor)


def assert_inside(drawing: ET.Element) -> None:
    _, _, width, height = map(float, drawing.attrib["viewBox"].split())
    for one in drawing.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height), ("y2", height)):
            assert -6.0 <= float(one.get(name, 0.0)) <= limit  # half a session sticks out at the left
        if one.tag == f"{NS}rect":
            assert float(one.attrib["width"]) >= 0.0
            assert float(one.attrib["height"]) >= 0.0
            assert float(one.attrib["y"]) + float(one.attrib["height"]) <= height
        if one.tag == f"{NS}path":
            x, y = points(one)
            assert x.min() >= 0.0
            assert x.max() <= width
            assert y.min() >= 0.0
            assert y.max() <= height


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 10.0, 5, ["0", "2", "4", "6", "8", "10"]),
        (-0.3, 1.0, 5, ["0.0", "0.5", "1.0"]),
        (1430.0, 1795.0, 4, ["1,500", "1,600", "1,700"]),
        (-26.0, 26.0, 4, [f"{MINUS}20", "0", "20"]),
        (0.00011, 0.00013, 2, ["0.00011", "0.00012", "0.00013"]),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, expected: list[str]) -> None:
    assert tick_labels(ticks(low, high, most)) == expected


def test_date_ticks_are_the_first_sessions_of_periods() -> None:
    session = np.array(
        ["2023-12-28", "2024-01-02", "2024-01-31", "2024-02-01", "2024-03-01", "2024-04-02"], "datetime64[D]"
    )
    assert date_ticks(session, 8) == [1, 3, 4, 5]
    assert date_ticks(session, 2) == [1, 4]  # every second month: January and March
    assert date_ticks(session[1:3], 8) == [0]  # inside one month: when it was


def test_a_range_is_never_empty() -> None:
    for constant in (0.0, 5.0, -5.0):
        low, high = padded(np.full(3, constant))
        assert low < constant < high


def test_numbers_as_they_are_shown() -> None:
    shown = [price(value) for value in (1234.6, 12.346, 0.0, -0.5, 0.00012346)]
    assert shown == ["1,235", "12.35", "0.00", f"{MINUS}0.5", "0.0001235"]
    assert [signed_price(value) for value in (3.0, -3.0, 0.0)] == ["+3.00", f"{MINUS}3.00", "0.00"]
    assert decimal(-0.001, 2) == "0.00"
    assert [percentage(0.9, 0), percentage(-0.0213)] == ["90 %", f"{MINUS}2.1 %"]


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_contrast_in_light_and_dark(page: str) -> None:
    palettes: list[dict[str, Any]] = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    ]
    assert len(palettes) == 2
    for palette in palettes:
        for name in ("text", "muted", "link"):
            assert contrast(palette[name], palette["card"]) >= 4.5, name
            assert contrast(palette[name], palette["page"]) >= 4.5, name
        for name in ("better", "worse", "echo", "doubt", "even"):
            assert contrast(palette[name], palette["on-badge"]) >= 4.5, name
        for name in ("forecast", "bar", "better", "worse"):
            assert contrast(palette[name], palette["card"]) >= 3.0, name
