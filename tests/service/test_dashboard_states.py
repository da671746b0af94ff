"""The dashboard's other states: stale, empty, failed, waiting, without a key; and what it changes with one."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.service.asking import Clock, loaded
from tests.service.browser import (
    ADMIN_KEY,
    KEYS,
    READ_KEY,
    Visit,
    answer,
    expect_charts,
    listening,
    serious,
    visiting,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route


def test_a_stale_forecast_says_why(browser: Browser, trained_home: Path) -> None:
    later = Clock(datetime(2013, 3, 8, 12, tzinfo=UTC))
    with listening(loaded(trained_home, later)) as base, visiting(browser, base) as visit:
        page = visit.go("symbol/AAPL")
        reason = answer(base, "forecasts/AAPL")["stale_reason"]
        assert reason == "the prices end with 2013-03-01, and the session of 2013-03-07 should be there by now"
        shown = "the prices end with Mar 1, 2013, and the session of Mar 7, 2013 should be there by now"
        assert shown in page.locator(".banner").inner_text()
        assert visit.go("").locator("tbody tr").first.get_by_text("Stale").count() == 1


def test_an_empty_store(browser: Browser, home: Path) -> None:
    shutil.rmtree(home / "prices")
    with listening(loaded(home)) as base, visiting(browser, base) as visit:
        page = visit.go("")
        assert "forecaster fetch" in page.locator(".empty").inner_text()
        assert serious(page) == []
        none = {"name": "next-close", "serving": None, "versions": []}
        page.route("**/v1/models/next-close", lambda route: route.fulfill(json=none))
        visit.go("models")
        assert page.get_by_text("No version yet").count() == 1
        assert serious(page) == []


def test_errors_are_told_and_can_be_tried_again(visit: Visit, base: str) -> None:
    page = visit.go("symbol/TSLA")
    problem = answer(base, "forecasts/TSLA")
    told = page.get_by_role("alert")
    assert problem["title"] in told.inner_text()
    assert problem["detail"] in told.inner_text()
    assert serious(page) == []

    page.route("**/v1/prices/IBM?*", lambda route: route.abort())
    visit.go("symbol/IBM")
    prices = page.locator(".panel").first
    assert "The server does not answer" in prices.inner_text()
    page.locator(".middle canvas").wait_for()  # the other parts are there
    page.unroute("**/v1/prices/IBM?*")
    prices.get_by_role("button", name="Try again").click()
    prices.locator("canvas").wait_for()

    assert "There is no such page" in visit.go("nowhere").locator("h1").inner_text()


def test_skeletons_stand_where_answers_will(visit: Visit) -> None:
    waiting: list[Route] = []
    held = True

    def hold(route: Route) -> None:
        if held:
            waiting.append(route)
        else:
            route.continue_()

    visit.page.route("**/v1/**", hold)
    visit.page.goto(f"{visit.base}/#/symbol/AAPL")
    visit.page.locator(".skeleton").first.wait_for()
    assert serious(visit.page) == []
    held = False
    for route in waiting:
        route.continue_()
    assert "AAPL" in visit.settled().locator("h1").inner_text()


def test_a_key_is_asked_for_and_stays_in_the_tab(browser: Browser, trained_home: Path) -> None:
    app = loaded(trained_home, api_keys=KEYS, open_read=False)
    with listening(app) as base, visiting(browser, base) as visit:
        page = visit.go("symbol/AAPL")
        field = page.get_by_label("API key")
        assert field.get_attribute("type") == "password"
        assert serious(page) == []
        field.fill("not-a-key")
        page.get_by_role("button", name="Use key").click()
        page.get_by_text("The key was not accepted").wait_for()
        page.get_by_label("API key").fill(READ_KEY)
        page.get_by_role("button", name="Use key").click()
        page.locator(".verdict").wait_for()
        visit.settled()
        assert visit.headers("/v1/forecasts/AAPL")["authorization"] == f"Bearer {READ_KEY}"
        assert READ_KEY in page.evaluate("JSON.stringify(sessionStorage)")
        assert READ_KEY not in page.evaluate("JSON.stringify(localStorage) + document.cookie + document.body.innerText")
        assert visit.go("jobs").get_by_text("This key may not do that").count() == 1
        page.get_by_role("button", name="Forget key").click()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_version_is_promoted_with_an_admin_key(browser: Browser, base: str) -> None:
    held = answer(base, "models/next-close")
    (first,) = held["versions"]
    second = {**first, "version": "2", "serving": False, "aliases": ["challenger"]}
    facts = answer(base, "models/next-close/versions/1")
    sent: list[dict[str, Any]] = []

    def promoted(route: Route) -> None:
        sent.append({"body": route.request.post_data_json, "key": route.request.headers["authorization"]})
        route.fulfill(json=held)

    with visiting(browser, base, ADMIN_KEY) as visit:
        page = visit.page
        page.route("**/v1/models/next-close", lambda route: route.fulfill(json={**held, "versions": [second, first]}))
        page.route("**/versions/2", lambda route: route.fulfill(json={**facts, **second}))
        page.route("**/v1/models/next-close/promote", promoted)
        visit.go("models")
        heads = page.locator(".versions thead th").all_inner_texts()
        assert [one.split("\n")[0] for one in heads] == ["Version 1", "Version 2"]  # what serves comes first
        page.get_by_role("button", name="Promote").click()
        dialog = page.get_by_role("dialog")
        assert "Promote version 2?" in dialog.inner_text()
        assert serious(page) == []
        page.keyboard.press("Escape")
        assert sent == []
        page.get_by_role("button", name="Promote").click()
        dialog.get_by_role("button", name="Promote").click()
        page.get_by_text("Version 1 serves now.").wait_for(state="attached")
        assert sent == [{"body": {"version": "2"}, "key": f"Bearer {ADMIN_KEY}"}]


def test_the_gate_is_overruled_with_a_reason(browser: Browser, base: str) -> None:
    held = answer(base, "models/next-close")
    (first,) = held["versions"]
    second = {**first, "version": "2", "serving": False, "aliases": ["challenger"]}
    refused = {"at": first["created"], "by": "a pass", "against": "1", "promote": False, "reasons": ["no better"]}
    facts = {**answer(base, "models/next-close/versions/1"), "decisions": [{**refused, "forced": None}]}
    problem = {"type": "urn:stock-forecaster:problem:gate-refuses", "title": "The gate refuses", "detail": "no better"}
    sent: list[dict[str, Any]] = []

    def promoted(route: Route) -> None:
        sent.append(route.request.post_data_json)
        if sent[-1].get("force"):
            route.fulfill(json=held)
        else:
            route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(problem))

    with visiting(browser, base, ADMIN_KEY) as visit:
        page = visit.page
        page.route("**/v1/models/next-close", lambda route: route.fulfill(json={**held, "versions": [second, first]}))
        page.route("**/versions/2", lambda route: route.fulfill(json={**facts, **second}))
        page.route("**/v1/models/next-close/promote", promoted)
        visit.go("models")
        page.get_by_text("refused beside 1: no better").wait_for()
        page.get_by_role("button", name="Promote").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Promote").click()
        page.get_by_text("The gate refuses").wait_for()
        page.get_by_role("button", name="Promote it all the same").click()
        assert serious(page) == []
        dialog.get_by_role("button", name="Promote").click()  # without a reason nothing is sent
        assert len(sent) == 1
        dialog.get_by_label("Reason").fill("  wrong prices ")
        dialog.get_by_role("button", name="Promote").click()
        page.get_by_text("Version 1 serves now.").wait_for(state="attached")
        assert sent == [{"version": "2"}, {"version": "2", "force": True, "why": "wrong prices"}]


def test_jobs_are_listed_and_started(browser: Browser, base: str) -> None:
    one = {"id": "20261121-a1", "kind": "retrain", "detail": "training", "progress": None, "version": None}
    times = {"created": "2026-11-21T09:30:00Z", "started": "2026-11-21T09:30:01Z"}
    done = {**one, **times, "id": "b2", "state": "succeeded", "finished": "2026-11-21T09:32:31Z", "version": "2"}
    jobs = [done]

    def start(route: Route) -> None:
        jobs.insert(0, {**one, **times, "state": "running", "finished": None, "progress": {"epoch": 3, "of": 10}})
        route.fulfill(json=jobs[0], status=202)

    with visiting(browser, base, ADMIN_KEY) as visit:
        page = visit.go("jobs")
        assert page.get_by_text("No job has run yet").count() == 1  # the server's own answer
        page.get_by_text("No scheduler was started").wait_for()
        said = {"state": "idle", "next_due": "2026-11-23T22:10:00Z", "retry_at": None, "failures": 2, "problem": None}
        page.route("**/v1/schedule", lambda route: route.fulfill(json={"liveness": "alive", "heartbeat": said}))
        page.route("**/v1/jobs", lambda route: route.fulfill(json={"jobs": jobs}))
        page.route("**/v1/jobs/retrain", start)
        button = page.get_by_role("button", name="Start training")
        button.click()
        page.get_by_text("Running").wait_for()
        assert button.is_disabled()
        assert page.get_by_role("progressbar").get_attribute("value") == "3"
        assert "2 min 30 s" in page.locator("tbody tr").nth(1).inner_text()
        assert re.search(
            r"running · idle · next pass Nov 2[34], 2026, .+ · failures in a row: 2", page.inner_text("main")
        )
        assert serious(page) == []


def test_it_works_behind_a_path_prefix(browser: Browser, trained_home: Path) -> None:
    app = Starlette(routes=[Mount("/stocks", loaded(trained_home))])
    with listening(app) as base, visiting(browser, f"{base}/stocks") as visit:
        page = visit.go("symbol/AAPL")
        expect_charts(page)
        assert visit.go("").locator("tbody tr").count() == 5
        assert visit.logged == []


def test_a_failed_refresh_is_told(visit: Visit, base: str) -> None:
    ready = httpx.get(f"{base}/health/ready").json()
    why = "the model registry does not answer"
    visit.page.route("**/health/ready", lambda route: route.fulfill(json={**ready, "last_error": why, "stale": 2}))
    page = visit.go("")
    assert why in page.locator(".banner").inner_text()
    assert page.get_by_text("2 forecasts are stale").count() == 1
