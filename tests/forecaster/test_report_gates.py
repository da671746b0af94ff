"""The page is read back: from colours to numbers, from bars to shares, from labels to sessions."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray

from forecaster.gates import Inside, Layer
from forecaster.report import gates_html
from forecaster.spec import ModelSpec
from tests.forecaster.test_report import HOSTILE, NS, Reader, by_class, drawings, points, sections, values_at

Floats = NDArray[np.float64]

SPEC = ModelSpec(units=(12, 90), lookback=30, bidirectional=True, attention=True)
SESSIONS = np.array([str(day) for day in np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")[:30]])
# The newest ten hold 50 of 58; 0.9 of that are 52.2, which takes six more.
SHARES = np.r_[np.full(20, 0.4), np.linspace(1.0, 9.0, 10)] / 58.0
MEMORY = 16


def traces(units: int, seed: int) -> dict[str, Floats]:
    random = np.random.default_rng(seed)
    gates = {name: random.uniform(0.22, 0.78, (30, units)) for name in ("input", "forget", "output")}
    return {
        **gates,
        "candidate": random.uniform(-0.9, 0.9, (30, units)),
        "cell": random.normal(0.0, 2.0, (30, units)),
        "hidden": random.uniform(-0.3, 0.3, (30, units)),
    }


@pytest.fixture(scope="module")
def inside() -> Inside:
    random = np.random.default_rng(5)
    return Inside(
        symbol=HOSTILE,
        session=SESSIONS.astype("datetime64[D]"),
        close=np.linspace(40.0, 69.0, 30),
        features=("close", "volume"),
        values=random.uniform(1.0, 1e6, (30, 2)),
        # The second is free of units and up to 4: full colour is the row's own size.
        inputs=np.column_stack([random.uniform(0.0, 1.0, 30), np.linspace(-2.0, 4.0, 30)]),
        layers=(Layer(0, "forward", traces(12, 1)), Layer(0, "backward", traces(90, 2))),
        attention=np.linspace(0.0, 2.0, 30) / 30.0,
        sensitivity=7.0 * SHARES,
    )


@pytest.fixture(scope="module")
def page(inside: Inside) -> str:
    return gates_html(inside, SPEC, f"next-close {HOSTILE} version 3")


def picture(page: str, label: str, css: str) -> ET.Element:
    (found,) = (
        one for one in drawings(page) if label in (one.get("aria-label") or "") and css in (one.get("class") or "")
    )
    return found


def key_of(drawing: ET.Element) -> tuple[float, float]:
    """The two numbers beside the colours above the plot."""
    top = min(float(one.attrib["y"]) for one in by_class(drawing, "tick"))
    low, high = (one.text or "" for one in by_class(drawing, "tick") if float(one.attrib["y"]) == top)
    return float(low.replace("\N{MINUS SIGN}", "-")), float(high)


def cells(drawing: ET.Element, rows: int, columns: int) -> Floats:
    """The part of full colour in each cell, negative where the other colour is meant."""
    found = np.zeros((rows, columns))
    filled = np.zeros((rows, columns), dtype=int)
    for path in by_class(drawing, "cells")[0].iter(f"{NS}path"):
        sign = {"plus": 1.0, "minus": -1.0}[path.attrib["class"]]
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path.attrib["d"]):
            part = (int(y), slice(int(x), int(x) + int(width)))
            found[part] = sign * float(path.attrib["fill-opacity"])
            filled[part] += 1
    assert filled.max() == 1
    return found


def test_the_page_is_well_formed_and_loads_nothing(page: str) -> None:
    read = Reader(page)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {one["aria-labelledby"] for _, one in read.elements if "aria-labelledby" in one} <= set(ids)
    assert not {tag for tag, _ in read.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert not re.search(r"https?:|@import|url\(", page.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    policy = [one["content"] for one in read.tags("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "<svg onload" not in page


def test_the_header_says_what_is_looked_at(page: str) -> None:
    read = Reader(page)
    assert read.text["h1"] == [HOSTILE]
    assert read.text["dd"] == [
        f"next-close {HOSTILE} version 3",
        "lstm, units: 12 + 90, bidirectional, attention",
        "2024-01-01 to 2024-01-30, 30 sessions",
        f"{MEMORY} sessions",
    ]
    assert read.text["h2"] == ["The window", "Layer 0, forward", "Layer 0, backward", "How to read this"]


@pytest.mark.parametrize("css", ["wide", "narrow"])
def test_bars_are_the_shares_and_the_memory_is_marked(page: str, css: str) -> None:
    drawing = picture(page, "share of each of 30 sessions", css)
    bars = [one for one in drawing.iter(f"{NS}rect") if (one.get("class") or "").startswith("bar")][:30]
    tops = np.array([float(bar.attrib["y"]) for bar in bars])
    np.testing.assert_allclose(values_at(drawing, tops), 100.0 * SHARES, atol=0.05)
    assert [bar.get("class") == "bar best" for bar in bars] == [False] * (30 - MEMORY) + [True] * MEMORY
    path = next(one for one in by_class(drawing, "attention") if one.tag == f"{NS}path")
    _, y = points(path)
    np.testing.assert_allclose(values_at(drawing, y), 100.0 * np.linspace(0.0, 2.0, 30) / 30.0, atol=0.05)


def test_pointing_at_a_session_tells_its_figures(page: str) -> None:
    told = [one.findtext(f"{NS}title") for one in by_class(picture(page, "share of each of 30", "wide"), "hit")]
    assert len(told) == 30
    assert told[-1] == "2024-01-30: sensitivity 1.09, 15.5 % of all, attention 6.7 %"


def test_the_closes_are_drawn_above_the_same_columns(page: str) -> None:
    drawing = picture(page, "adjusted close of 30 sessions", "wide")
    x, y = points(next(one for one in by_class(drawing, "actual") if one.tag == f"{NS}path"))
    np.testing.assert_allclose(values_at(drawing, y), np.linspace(40.0, 69.0, 30), atol=0.1)
    bars = [
        float(one.attrib["x"]) + float(one.attrib["width"]) / 2
        for one in picture(page, "share of each of 30", "wide").iter(f"{NS}rect")
        if (one.get("class") or "").startswith("bar")
    ][:30]
    np.testing.assert_allclose(x, bars, atol=0.2)


@pytest.mark.parametrize("trace", ["input", "forget", "output", "candidate", "cell", "hidden"])
def test_colours_are_the_values_with_the_longest_memory_on_top(page: str, inside: Inside, trace: str) -> None:
    drawing = picture(page, f"Layer 0, forward, {trace}: 12 units over 30 sessions", "half")
    values = inside.layers[0].traces[trace]
    order = sorted(range(12), key=lambda unit: -inside.layers[0].traces["forget"][:, unit].mean())
    low, high = key_of(drawing)
    if trace in ("input", "forget", "output"):
        assert (low, high) == (0.2, 0.8)  # the tenths around 0.22 and 0.78
        found = low + (high - low) * cells(drawing, 12, 30)
        step = (high - low) / 10
    else:
        assert -low == high == pytest.approx(np.abs(values).max(), abs=0.005)
        found = high * cells(drawing, 12, 30)
        step = high / 10
    # Ten steps of colour: a value is at most half a step from its own.
    assert np.abs(found - values.T[order]).max() <= 0.5 * step + 0.005


def test_more_units_than_rows_are_drawn_as_means_of_neighbours(page: str, inside: Inside) -> None:
    drawing = picture(page, "Layer 0, backward, output: 90 units", "half")
    layer = inside.layers[1]
    order = sorted(range(90), key=lambda unit: -layer.traces["forget"][:, unit].mean())
    values = layer.traces["output"].T[order]
    # 64 rows of 90 units: 26 rows of two, then 38 of one.
    expected = np.concatenate([values[:52].reshape(26, 2, 30).mean(axis=1), values[52:]])
    low, high = key_of(drawing)
    found = low + (high - low) * cells(drawing, 64, 30)
    assert np.abs(found - expected).max() <= 0.05 * (high - low) + 1e-9
    assert "Each of 64 rows is a group of units" in sections(page)[2]


def test_dates_below_a_picture_are_sessions_and_do_not_overlap(page: str) -> None:
    for label, css, width in (("share of each of 30", "wide", 960.0), ("Layer 0, forward, forget", "half", 400.0)):
        labels = [one for one in by_class(picture(page, label, css), "tick") if "2024" in (one.text or "")]
        dates = [one.text for one in labels]
        assert (dates[0], dates[-1]) == ("2024-01-01", "2024-01-30")
        assert set(dates) <= set(SESSIONS)
        assert dates == sorted(str(date) for date in dates)
        assert len(dates) >= 4
        middles = np.array([float(one.attrib["x"]) for one in labels])
        assert np.diff(middles).min() >= 70.0  # generous for ten characters
        assert 35.0 <= middles.min() < middles.max() <= width - 35.0


def test_inputs_have_a_row_each_with_its_name(page: str, inside: Inside) -> None:
    drawing = picture(page, "the inputs close, volume", "wide")
    assert np.abs(cells(drawing, 2, 30) - inside.inputs.T / [[1.0], [4.0]]).max() <= 0.05 + 1e-9
    assert {"close", "volume"} <= {one.text for one in by_class(drawing, "tick")}


def test_a_table_tells_how_saturated_a_layer_is(inside: Inside) -> None:
    forget = np.full((30, 2), 0.5)
    forget[:15, 1] = 0.97
    layer = Layer(0, "forward", {"update": forget, "hidden": np.full((30, 2), -0.95)})
    rows = Reader(gates_html(replace(inside, layers=(layer,)), SPEC, "m")).text["td"]
    assert rows[:3] == ["near 0: 0 %", "near 1: 25 %", "1 (50 %)"]
    assert rows[3:] == ["near \N{MINUS SIGN}1: 100 %", "near 1: 0 %", "0 (100 %), 1 (100 %)"]


def test_the_smallest_network_and_one_that_knows_nothing_can_be_drawn(inside: Inside) -> None:
    still = replace(
        inside,
        session=inside.session[:2],
        close=np.full(2, 40.0),
        values=inside.values[:2],
        inputs=np.zeros((2, 2)),
        layers=(Layer(0, "forward", {"hidden": np.zeros((2, 1))}),),
        attention=None,
        sensitivity=np.zeros(2),
    )
    page = gates_html(still, ModelSpec(cell="rnn", units=(1,), lookback=2), "m")
    Reader(page)
    assert "does not depend on its window at all" in page
    assert "attention" not in page.partition("<body>")[2]
    drawing = picture(page, "share of each of 2 sessions", "wide")
    bars = [one for one in drawing.iter(f"{NS}rect") if (one.get("class") or "") == "bar"]
    assert [float(bar.attrib["height"]) for bar in bars[:2]] == [0.0, 0.0]
    assert "nan" not in page
