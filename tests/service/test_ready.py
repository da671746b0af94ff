from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx
import pytest

from service.ready import Ready, in_chinese, matches, preferred, takes_gzip
from tests.service.asking import ask, loaded

ENGLISH = {"n": 1, "verdict": {"text": "No better.", "text_zh": "不更好。"}, "list": [{"text": "a", "text_zh": "甲"}]}


def answer(ready: Ready, **headers: str) -> httpx.Response:
    """What a client that sends those headers gets, without its decoding."""
    scope = {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    found = ready.respond(scope)
    return httpx.Response(found.status_code, headers=found.raw_headers, stream=httpx.ByteStream(bytes(found.body)))


@pytest.fixture
def ready() -> Ready:
    return Ready(json.dumps(ENGLISH | {"long": "x" * 600}, ensure_ascii=False).encode(), "3.17")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh-Hant;q=0.5", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense", "en"),
        ("fr", "en"),
        ("en;q=0.1, zh;q=0.2", "zh"),
        (";;q=,,=", "en"),
    ],
)
def test_the_language_that_is_preferred(header: str, expected: str) -> None:
    assert preferred(header.encode()) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [("gzip, deflate, br", True), ("*", True), ("gzip;q=0", False), ("br", False), ("gzip;q=0, *", False), ("", False)],
)
def test_whether_gzip_is_taken(header: str, expected: bool) -> None:
    assert takes_gzip(header.encode()) is expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [(b'"a"', True), (b'W/"a"', True), (b'"b", "a"', True), (b"*", True), (b'"b"', False), (b"a", False)],
)
def test_tags_are_compared_weakly(known: bytes, expected: bool) -> None:
    assert matches(known, b'"a"') is expected


def test_chinese_is_what_stands_beside_english() -> None:
    turned = json.loads(in_chinese(json.dumps(ENGLISH).encode()))
    assert turned["verdict"] == {"text": "不更好。", "text_zh": "不更好。"}
    assert turned["list"] == [{"text": "甲", "text_zh": "甲"}]
    assert turned["n"] == 1


def test_each_variant_has_a_tag_of_its_own_and_is_what_it_says(ready: Ready) -> None:
    plain, packed = answer(ready), answer(ready, accept_encoding="gzip")
    chinese = answer(ready, accept_language="zh")
    tags = {one.headers["etag"] for one in (plain, packed, chinese)}
    assert len(tags) == 3
    assert all(tag.startswith('"3.17.') for tag in tags)
    assert b"".join(plain.iter_raw()) == ready.body
    assert gzip.decompress(b"".join(packed.iter_raw())) == ready.body
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(b"".join(chinese.iter_raw()))["verdict"]["text"] == "不更好。"
    assert (plain.headers["content-language"], chinese.headers["content-language"]) == ("en", "zh")
    for one in (plain, packed, chinese):
        assert one.headers["cache-control"] == "private, no-cache"
        assert one.headers["vary"] == "accept-encoding, accept-language"


def test_who_has_it_is_told_so(ready: Ready) -> None:
    tag = answer(ready).headers["etag"]
    again = answer(ready, if_none_match=f'"old", {tag}')
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    assert b"".join(again.iter_raw()) == b""
    assert "content-length" not in again.headers
    # What was kept in English is not the answer in Chinese.
    assert answer(ready, if_none_match=tag, accept_language="zh").status_code == 200


def test_small_answers_are_not_packed() -> None:
    assert "content-encoding" not in answer(Ready(b"{}", "1.1"), accept_encoding="gzip").headers


def test_the_same_answer_has_the_same_tag_whoever_made_it(trained_home: Path) -> None:
    one, other = (ask(loaded(trained_home), "/v1/forecasts/AAPL") for _ in range(2))
    assert one.headers["etag"] == other.headers["etag"]
    assert one.headers["etag"] != ask(loaded(trained_home), "/v1/forecasts/MSFT").headers["etag"]


@pytest.mark.parametrize("path", ["/v1/forecasts/AAPL", "/v1/diagnostics/AAPL", "/v1/symbols"])
def test_over_the_service(trained_home: Path, path: str) -> None:
    app = loaded(trained_home)
    first = ask(app, path)
    again = ask(app, path, headers={"If-None-Match": first.headers["etag"], "Accept-Encoding": "gzip"})
    assert again.status_code in (200, 304)  # another encoding has another tag
    again = ask(app, path, headers={"If-None-Match": again.headers["etag"], "Accept-Encoding": "gzip"})
    assert (again.status_code, again.content) == (304, b"")
    if path != "/v1/symbols":
        verdict = ask(app, path, headers={"Accept-Language": "zh-CN"}).json()["verdict"]
        assert verdict["text"] == verdict["text_zh"] == first.json()["verdict"]["text_zh"]
