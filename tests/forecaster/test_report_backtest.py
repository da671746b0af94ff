"""The page is read back: as HTML, as SVG, and from pixels to figures along the axes that it draws itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from forecaster.backtest.summary import Summary, summarise
from forecaster.report.backtest import backtest_html
from forecaster.report.backtest.facts import fact_table
from forecaster.report.backtest.marks import apart, colours, usual
from tests.forecaster.backtest.tables import LEVELS, changes, forecasts, naive, noisy, outcomes, skilled

HOSTILE = """<script>alert("x")</script>&'"><svg onload=alert(1)>"""
NS = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br"}
MODELS = {"naive": naive, HOSTILE: noisy, "skilled": skilled, "wild": lambda r, random: -3.0 * r}
FACTS = {
    "created": "2026-01-05T00:00:00+00:00",
    "data": {"version": 7, "bars": 12345, "symbols": ["S0", "S1"], "fingerprint": "abc"},
    "folds": [{"number": 1, "begins": None, "refit": "2024-01-01", "first": "2024-01-02", "last": "2024-03-01"}],
    "origins": {"asked": 1200, "common": 1190},
    "failed": {f"{HOSTILE}, fold 1": "no room"},
    "anything": ["one", HOSTILE],
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return forecasts(outcomes(6, 100, ragged=True).replace({"symbol": {"S5": HOSTILE}}), MODELS)


@pytest.fixture(scope="module")
def summary(table: pd.DataFrame) -> Summary:
    return summarise(table, LEVELS)


@pytest.fixture(scope="module")
def page(table: pd.DataFrame, summary: Summary) -> str:
    return backtest_html(table, summary, FACTS, heading=f"Backtest {HOSTILE}", symbols=["S2", HOSTILE, "UNKNOWN"])


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed, in order. Keeps tags and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def drawings(page: str, section: str) -> list[ET.Element]:
    """The SVGs of a section; each must be well-formed by itself."""
    body = page[page.index(f"<section id='{section}'") :]
    body = body[: body.index("</section>")]
    return [ET.fromstring(found) for found in re.findall(r"<svg .*?</svg>", body, flags=re.DOTALL)]


def number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-").replace(",", ""))


def horizontal(svg: ET.Element, x: float) -> float:
    """The value at a position, by the labels below the plot."""
    ticks = [one for one in svg.iter(f"{NS}text") if one.get("class") == "tick" and one.get("text-anchor") == "middle"]
    at, value = [float(one.get("x", "")) for one in ticks], [number(one.text or "") for one in ticks]
    slope, start = np.polyfit(at, value, 1)
    return float(start + slope * x)


def vertical(svg: ET.Element, y: float) -> float:
    """The value at a height, by the labels left of the plot."""
    ticks = [one for one in svg.iter(f"{NS}text") if one.get("class") == "tick" and one.get("text-anchor") == "end"]
    at, value = [float(one.get("y", "")) - 4.0 for one in ticks], [number(one.text or "") for one in ticks]
    slope, start = np.polyfit(at, value, 1)
    return float(start + slope * y)


def test_a_page_that_is_whole_and_loads_nothing(page: str) -> None:
    read = Reader(page)
    tags = [tag for tag, _ in read.elements]
    assert tags.count("h1") == 1
    assert not {"script", "img", "link", "iframe", "object"} & set(tags)
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*['\"]?(?!#)", page)
    links = [attributes["id"] for tag, attributes in read.elements if tag == "section"]
    assert links == ["ranking", "verdicts", "race", "stories", "delay", "calibration", "quarters", "worst", "made"]
    assert HOSTILE in read.text
    assert len(page) < 2e6


def test_the_lead_says_which_is_best_and_how_sure(page: str) -> None:
    text = Reader(page).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "skilled is the best of 4 models, with 90 % confidence" in text
    assert "Its point forecast (the median) beats yesterday's close" in text
    assert "Incomplete. What failed is not on this page:" in text


def test_ranking_in_pixels(page: str, summary: Summary) -> None:
    wide, narrow = drawings(page, "ranking")
    for svg in (wide, narrow):
        dots = {one.get("class", ""): float(one.get("cx", "")) for one in svg.iter(f"{NS}circle")}
        best, other = summary.models[0].figures, summary.models[2].figures
        assert best is not None
        assert other is not None
        assert horizontal(svg, dots["dot m0"]) == pytest.approx(best.pinball_ratio.value, abs=0.002)
        assert horizontal(svg, dots["dot hollow m1"]) == pytest.approx(other.pinball_ratio.value, abs=0.002)
        bar = next(one for one in svg.iter(f"{NS}line") if one.get("class") == "whisker m0")
        ends = [horizontal(svg, float(bar.get(end, ""))) for end in ("x1", "x2")]
        assert ends == pytest.approx(best.pinball_ratio.interval, abs=0.002)
        # The one that is out of all proportion is an arrow.
        assert [one.get("class") for one in svg.iter(f"{NS}text") if one.text == "▸"] == ["arrow m2"]


def test_race_ends_where_the_losses_add_up_to(page: str, table: pd.DataFrame) -> None:
    r, p, _ = changes(table, "skilled")
    own = table.loc[table["model"] == "skilled", ["session"]].assign(d=np.abs(r - p) - np.abs(r))
    total = 100 * own.groupby("session")["d"].mean().sum()
    svg = drawings(page, "race")[0]
    path = next(one for one in svg.iter(f"{NS}path") if one.get("class") == "run m0")
    points = [float(one) for one in (path.get("d") or "").lstrip("M").split()]
    assert vertical(svg, points[1]) == pytest.approx(0.0, abs=0.2)
    assert vertical(svg, points[-1]) == pytest.approx(total, abs=0.2)
    assert any((one.text or "").startswith("skilled \N{MINUS SIGN}") for one in svg.iter(f"{NS}text"))


def test_stories_are_those_asked_for(page: str, table: pd.DataFrame, summary: Summary) -> None:
    labels = [svg.get("aria-label", "") for svg in drawings(page, "stories")]
    assert [label.split(":")[0] for label in labels[::2]] == ["S2", HOSTILE]
    svg = drawings(page, "stories")[0]
    path = next(one for one in svg.iter(f"{NS}path") if one.get("class") == "actual")
    last = float((path.get("d") or "").split()[-1])
    own = table[(table["model"] == "skilled") & (table["symbol"] == "S2")]
    assert vertical(svg, last) == pytest.approx(own["actual"].iloc[-1], rel=0.01)
    assert len([one for one in svg.iter(f"{NS}path") if one.get("class") == "fan"]) == 3
    # Without a wish, symbols by rank of their error: of six, those at a quarter, the middle and three quarters.
    r, p, _ = changes(table, "skilled")
    rows = table.loc[table["model"] == "skilled", ["symbol"]].assign(own=np.abs(r - p), other=np.abs(r))
    ratio = rows.groupby("symbol").sum().pipe(lambda total: total["own"] / total["other"]).sort_values()
    typical = drawings(backtest_html(table, summary, {}), "stories")
    assert [svg.get("aria-label", "").split(":")[0] for svg in typical[::2]] == [ratio.index[k] for k in (1, 2, 4)]


def test_calibration_and_quarters_in_pixels(page: str, table: pd.DataFrame) -> None:
    r, _, q = changes(table, "skilled")
    panel, *_ = drawings(page, "calibration")
    at = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in panel.iter(f"{NS}circle")]
    expected = [100 * ((r < q[:, place]).mean() - level) for place, level in enumerate(LEVELS)]
    assert [vertical(panel, y) for _, y in at] == pytest.approx(expected, abs=0.3)
    histogram = drawings(page, "calibration")[-1]
    heights = [vertical(histogram, float(one.get("y", ""))) for one in histogram.iter(f"{NS}rect")]
    edges = np.array([0.0, *LEVELS, 1.0])
    assert float(heights @ np.diff(edges)) == pytest.approx(1.0, abs=0.01)  # all closes are somewhere
    share = ((q[:, 2] <= r) & (r < q[:, 3])).mean()
    assert heights[3] == pytest.approx(share / 0.25, abs=0.02)
    quarter, *_ = drawings(page, "quarters")
    first = next(iter(quarter.iter(f"{NS}circle")))
    inside = pd.Series((q[:, 0] <= r) & (r <= q[:, 6]), index=table.index[table["model"] == "skilled"])
    in_first = inside[table["session"] < pd.Timestamp("2024-04-01")].mean()
    assert vertical(quarter, float(first.get("cy", ""))) == pytest.approx(100 * in_first, abs=0.5)


def test_worst_days(page: str, table: pd.DataFrame) -> None:
    r, p, _ = changes(table, "skilled")
    own = table.loc[table["model"] == "skilled", ["session"]].assign(miss=np.abs(r - p), r=r, p=p)
    days = own.groupby("session").mean().sort_values("miss", ascending=False)
    body = page[page.index("<section id='worst'") :]
    body = body[: body.index("</section>")]
    told = re.findall(r"<th scope='row'>(\d{4}-\d\d-\d\d)", body)
    assert told == [str(day.date()) for day in days.index[:10]]
    cells = [number(one) for one in re.findall(r"<td>([^<]+) %", body)]
    assert cells[:2] == pytest.approx(100 * days[["r", "p"]].iloc[0].to_numpy(), abs=0.0051)


def test_one_model_and_one_symbol(table: pd.DataFrame) -> None:
    one = table[(table["symbol"] == "S0") & (table["model"] == "naive")]
    page = backtest_html(one, summarise(one, LEVELS), {})
    assert "naive is the only model" in Reader(page).text
    assert "<section id='race'" not in page
    assert "<section id='made'" not in page


def test_a_median_alone(table: pd.DataFrame) -> None:
    found = summarise(table, (0.5,))
    page = backtest_html(table, found, {})
    assert "<section id='quarters'" not in page
    assert "no interval" in Reader(page).text
    assert {one.verdict.code for one in found.models} == {one.verdict.code for one in summarise(table, LEVELS).models}


def test_too_few_sessions_draw_nothing(table: pd.DataFrame) -> None:
    few = table[table["session"] < pd.Timestamp("2024-03-01")]
    page = backtest_html(few, summarise(few, LEVELS), {})
    count = few["session"].nunique()
    assert f"insufficient data: {count} sessions, at least 60 are needed" in Reader(page).text
    assert "<svg" not in page


def test_facts_in_lines() -> None:
    text = Reader(f"<main>{fact_table(FACTS)}</main>").text
    assert "version 7 of the store: 12,345 bars of 2 symbols" in text
    assert "1: known to 2024-01-01, forecasts made 2024-01-02 to 2024-03-01" in text
    assert "10 of 1,200 symbol-sessions" in text
    assert HOSTILE in text
    # Plain texts of the same names are told as they are.
    assert "as it was" in fact_table({"data": "as it was", "folds": ["as it was"]})
    assert "and 60 more" in fact_table({"many": [str(k) for k in range(100)]})


def test_labels_do_not_overlap() -> None:
    wanted = [50.0, 51.0, 10.0, 52.0, 99.0]
    found = apart(wanted, 10.0, 0.0, 100.0)
    assert found == pytest.approx([41.0, 51.0, 10.0, 61.0, 99.0])
    assert np.argsort(found).tolist() == np.argsort(wanted).tolist()
    assert apart([100.0, 100.0], 10.0, 0.0, 100.0) == pytest.approx([90.0, 100.0])
    assert apart([5.0] * 3, 10.0, 0.0, 10.0) == pytest.approx([0.0, 5.0, 10.0])
    assert apart([], 10.0, 0.0, 10.0) == []


def test_a_scale_that_one_model_does_not_set() -> None:
    assert usual([0.05, 0.04, 0.03, 0.35]) == 0.05
    assert usual([0.05, 0.1, 0.15]) == 0.15
    assert usual([]) == 0.0
    many = colours([str(k) for k in range(9)], "3")
    assert [many["0"], many["3"], many["4"], many["8"]] == ["m0", "base", "m3", "rest"]
