"""The dashboard in a real Chromium, before a real server with the tiny model's home."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.asking import loaded
from tests.service.browser import ADMIN_KEY, Visit, answer, expect_charts, listening, serious, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VIEWS = ("", "symbol/AAPL", "models", "jobs")
MINUS = "\N{MINUS SIGN}"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def told(page: Page, name: str) -> str:
    """The value of one of the numbers under the verdict."""
    return page.locator(".numbers > div", has=page.get_by_text(name, exact=True)).locator("dd").first.inner_text()


def said(page: Page) -> list[str]:
    """The verdict's sentences: its head, and what else holds."""
    return page.locator(".verdict-head, .verdict-rest").all_inner_texts()


def number(text: str) -> float:
    return float(re.sub(r"[^\d.\-]", "", text.replace(MINUS, "-")))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_quiet_and_accessible(browser: Browser, base: str, theme: str) -> None:
    with visiting(browser, base, ADMIN_KEY, color_scheme=theme) as visit:
        for view in VIEWS:
            page = visit.go(view)
            assert page.locator("h1").count() == 1, view
            assert page.locator(".problem").count() == 0, view
            assert serious(page) == [], view
        assert visit.logged == []
        assert visit.hosts() == {base.removeprefix("http://")}


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_every_view_fits_a_phone(browser: Browser, base: str, language: str) -> None:
    with visiting(browser, base, ADMIN_KEY, locale=language, **PHONE) as visit:
        for view in VIEWS:
            page = visit.go(view)
            assert page.evaluate("document.documentElement.scrollWidth") == 390, view
            cut = "[...document.querySelectorAll('main :is(h1, h2, p, dd, canvas)')]"
            assert page.evaluate(f"{cut}.filter((one) => one.getBoundingClientRect().right > 390).length") == 0, view
        assert serious(page) == []
        assert visit.logged == []


def test_a_symbol_shows_what_the_server_says(visit: Visit, base: str) -> None:
    page = visit.go("symbol/AAPL")
    forecast, record = answer(base, "forecasts/AAPL"), answer(base, "diagnostics/AAPL")
    assert " ".join(said(page)) == forecast["verdict"]["text"]
    # The verdict stands above every number.
    assert page.locator(".verdict").bounding_box()["y"] < page.locator(".numbers").bounding_box()["y"]
    assert number(told(page, "Last close")) == pytest.approx(forecast["last_close"], abs=0.005)
    assert number(told(page, "Forecast")) == pytest.approx(forecast["forecast"]["close"], abs=0.005)
    assert number(told(page, "Probability up")) == pytest.approx(100 * forecast["forecast"]["probability_up"], abs=0.05)
    lower, upper = told(page, "90% interval").split(" \N{EN DASH} ")
    assert number(lower) == pytest.approx(forecast["forecast"]["interval"]["lower"], abs=0.005)
    assert number(upper) == pytest.approx(forecast["forecast"]["interval"]["upper"], abs=0.005)

    # The page works the naive errors out of the series; the skill that the server tells gives them, too.
    errors = record["errors"]
    rows = page.locator(".compared tbody tr")
    for row, own, skill in (
        (0, errors["mae"], errors["skill_vs_naive"]),
        (1, errors["rmse"], 1 - errors["theil_u2"]),
        (2, errors["pinball"], errors["pinball_skill"]),
    ):
        cells = rows.nth(row).locator("td").all_inner_texts()
        assert number(cells[0]) == pytest.approx(own, rel=0.002)
        assert number(cells[1]) == pytest.approx(own / (1 - skill), rel=0.002)
        assert ("better" if skill > 0 else "worse") in cells[2]
    assert page.get_by_text(record["lag"]["text"]).count() == 1
    expect_charts(page)


def test_figures_worked_out_by_hand(visit: Visit) -> None:
    address = visit.go("jobs").locator("[type=module]").evaluate("(one) => one.src")
    found = visit.page.evaluate(
        """async (app) => {
        const of = await import(app.replace("app", "figures"));
        return {
            naive: of.naiveErrors({ actual: [10, 12, 9], previous_close: [10, 10, 12] }),
            pinball: of.pinball([10, 12], { "0.1": [9, 13], "0.5": [10, 10] }),
            inside: of.inside({ actual: [1, 2, 3], lower: [1, 3, 2], upper: [2, 4, 3] }),
            share: of.rollingShare([true, false, true, true], 2),
            intervals: of.intervals({ "0.05": 1, "0.4": 3, "0.5": 4, "0.6": 5, "0.95": 7 }),
            scaled: [...of.onScaleOf(
                { session: ["a", "b"], close: [5, 6] },
                { session: ["a", "b"], actual: [10, 12], forecast: [11, 14], lower: [8, 8], upper: [16, 20] },
            )],
        };
    }""",
        address,
    )
    assert found == {
        "naive": {"mae": pytest.approx(5 / 3), "rmse": pytest.approx((13 / 3) ** 0.5)},
        # 0.1 * 1, 0.9 * 1, 0.5 * 0 and 0.5 * 2, over four
        "pinball": pytest.approx(0.5),
        "inside": [True, False, True],
        "share": [None, 0.5, 0.5, 1],
        "intervals": [
            {"level": pytest.approx(0.9), "lower": 1, "upper": 7},
            {"level": pytest.approx(0.2), "lower": 3, "upper": 5},
        ],
        "scaled": [
            ["a", {"forecast": 5.5, "lower": 4, "upper": 8}],
            ["b", {"forecast": 7, "lower": 4, "upper": 10}],
        ],
    }


def test_a_symbol_is_found_by_keyboard_alone(visit: Visit) -> None:
    page = visit.go("")
    page.keyboard.press("/")
    page.keyboard.type("m")
    options = page.get_by_role("option")
    options.first.wait_for()
    # IBM holds the letter, MSFT begins with it.
    assert [one.split("\n")[0] for one in options.all_inner_texts()] == ["MSFT", "IBM"]
    field = page.get_by_role("combobox")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    active = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("aria-selected") == "true"
    assert active.inner_text().startswith("IBM")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"#/symbol/IBM$"))
    assert field.get_attribute("aria-expanded") == "false"
    assert visit.settled().locator("h1").inner_text() == "IBM"
    assert page.title() == "IBM · Stock forecaster"

    page.keyboard.press("/")
    page.keyboard.type("zz")
    page.get_by_text("No symbol matches").wait_for()
    page.keyboard.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"


def test_everything_is_reached_by_keyboard(visit: Visit, base: str) -> None:
    page = visit.go("symbol/AAPL")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#/symbol/AAPL")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('name') ?? document.activeElement.tagName"))
        outline = page.evaluate("""() => {
            const at = document.activeElement, of = at.matches('.choices input') ? at.nextElementSibling : at;
            return at === document.body ? 'solid' : getComputedStyle(of).outlineStyle;
        }""")
        assert outline == "solid"
    assert {"range", "SUMMARY", "INPUT", "DIV"} <= reached

    prices = answer(base, "prices/AAPL")
    chart = page.locator(".tall")
    chart.focus()
    page.keyboard.press("ArrowLeft")  # from the forecast to the last session
    readout = page.locator(".readout").first.inner_text()
    assert "Mar 1, 2013" in readout
    assert f"{prices['close'][-1]:.2f}" in readout
    page.keyboard.press("Home")
    assert page.locator(".readout").first.inner_text() != readout


def test_both_languages(browser: Browser, base: str) -> None:
    with visiting(browser, base, locale="zh-CN") as visit:
        page = visit.go("symbol/AAPL")
        assert page.locator("html").get_attribute("lang") == "zh-Hans"
        verdict = answer(base, "forecasts/AAPL")["verdict"]
        assert "".join(said(page)) == verdict["text_zh"]
        assert visit.headers("/v1/forecasts/AAPL")["accept-language"].startswith("zh")
        assert "2013年3月1日" in page.locator(".title-row").inner_text()
        panels = page.locator(".panel").all_inner_texts()
        assert not re.search(r"[A-Za-z]{3,} [a-z]{3,} [a-z]{3,}", re.sub(r"forecaster publish", "", "\n".join(panels)))

        page.get_by_role("button", name="English").click()
        visit.settled()
        assert page.locator(".verdict-head").inner_text() in verdict["text"]
        assert page.evaluate("document.activeElement.id") == "language"
        page.reload()
        visit.settled()
        assert page.locator("html").get_attribute("lang") == "en"
        assert visit.headers("/v1/forecasts/AAPL")["accept-language"].startswith("en")


def test_themes_and_the_colour_of_rising_prices(browser: Browser, base: str) -> None:
    with visiting(browser, base, color_scheme="dark") as visit:
        page = visit.go("symbol/AAPL")
        light = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) > 128"
        assert page.evaluate(light) is False
        page.get_by_role("button", name="Settings").click()
        page.get_by_label("Light").check()
        assert page.evaluate(light) is True
        page.emulate_media(color_scheme="light")
        page.get_by_label("Dark").check()
        assert page.evaluate(light) is False
        page.reload()
        visit.settled()
        assert page.evaluate(light) is False

        rises = """async () => {
            const { redIsUp } = await import(document.querySelector("[type=module]").src.replace("app", "preferences"));
            return ["600519.SH", "000001.SZ", "430047.BJ", "AAPL", "0700.HK"].map(redIsUp);
        }"""
        assert page.evaluate(rises) == [True, True, True, False, False]
        drawn = page.locator(".tall canvas").screenshot()
        page.get_by_role("button", name="Settings").click()
        page.get_by_label("Red").check()
        visit.settled()
        assert page.evaluate(rises) == [True] * 5
        page.get_by_role("button", name="Close").click()
        assert page.locator(".tall canvas").screenshot() != drawn


def test_a_longer_horizon_and_published_forecasts(browser: Browser, trained_home: Path) -> None:
    with listening(loaded(trained_home, model="next-three")) as base, visiting(browser, base) as visit:
        record = answer(base, "diagnostics/AAPL")
        parts = ("sample", "errors", "bias", "significance", "coverage", "verdict")
        live = {"since": "2013-01-02T21:05:00Z", "versions": ["1"], "published": 41, "pending": 3, "restated": 0}
        lag = {name: value for name, value in record["lag"].items() if name != "correlogram"}
        live |= {name: record[name] for name in parts} | {"lag": lag}
        visit.page.route("**/v1/diagnostics/*", lambda route: route.fulfill(json=record | {"live": live}))
        page = visit.go("symbol/AAPL")
        expect_charts(page)
        last = answer(base, "forecasts/AAPL")["path"][-1]
        assert last["session"] == "2013-03-06"
        readout = page.locator(".readout").first.inner_text()
        assert "Mar 6, 2013" in readout
        assert f"{last['close']:.2f}" in readout
        published = page.locator(".panel").last.inner_text()
        assert re.search(r"Published\n41\nPending\n3\nRestated\n0\nVersions\n1\n", published)
