# ruff: noqa: RUF001 - messages as Tushare writes them
from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import (
    DayQuotaSpent,
    MalformedAnswer,
    NotEntitled,
    RequestError,
    RequestRejected,
    ServerFault,
    Throttled,
    TokenRefused,
)
from data.providers.tushare.answer import Answer, Question, fault, read_answer, refusal
from tests.data.tables import several

NOW = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)
TOKEN = "0123456789abcdef"
DETAILS = "权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"


def hide(text: str) -> str:
    return text.replace(TOKEN, "***")


def question(*fields: str, page_rows: int = 100, **params: str) -> Question:
    return Question("daily", fields or ("ts_code", "close"), params, page_rows, hide)


def payload(fields: object = ("ts_code", "close"), *items: object, **more: object) -> dict[str, Any]:
    return {"code": 0, "msg": None, "data": {"fields": fields, "items": items, **more}}


def read(content: object, asked: Question | None = None) -> Answer:
    return read_answer(asked or question(), json.dumps(content).encode())


def test_columns_come_in_the_order_asked_with_values_as_they_came() -> None:
    fields = ["close", "name", "ts_code", "vol", "is_open"]
    answer = read(payload(fields, [1.5, "x", "000001.SZ", 7, "1"], [None, "y", "600519.SH", 8, "0"]),
                  question("ts_code", "close", "vol", "is_open"))  # fmt: skip
    assert list(answer.table.columns) == ["ts_code", "close", "vol", "is_open"]
    assert list(answer.table["ts_code"]) == ["000001.SZ", "600519.SH"]
    assert answer.table["close"].iloc[0] == 1.5
    assert math.isnan(answer.table["close"].iloc[1])
    assert list(answer.table["vol"]) == [7, 8]
    assert list(answer.table["is_open"]) == ["1", "0"]
    assert not answer.full


def test_no_rows_are_an_answer_too() -> None:
    answer = read(payload())
    assert list(answer.table.columns) == ["ts_code", "close"]
    assert len(answer.table) == 0
    assert not answer.full


@pytest.mark.parametrize(
    ("rows", "more", "full"),
    [
        (2, {}, False),
        (3, {}, True),
        (4, {}, True),
        (2, {"has_more": False}, False),
        (2, {"has_more": None}, False),
        (2, {"has_more": 0}, False),
        (2, {"has_more": "false"}, False),
        (2, {"has_more": True}, True),
        (2, {"has_more": 1}, True),
        (2, {"has_more": "true"}, True),
        (0, {"has_more": True}, True),
    ],
)
def test_an_answer_at_the_row_limit_may_have_been_cut(rows: int, more: dict[str, object], full: bool) -> None:
    items = [[f"{n:06d}.SZ", 1.0] for n in range(rows)]
    assert read(payload(("ts_code", "close"), *items, **more), question(page_rows=3)).full == full


@pytest.mark.parametrize(
    ("said", "limit", "period"),
    [
        (f"抱歉，您每分钟最多访问该接口200次，{DETAILS}", 200, "minute"),
        (f"抱歉，您每小时最多访问该接口1次，{DETAILS}", 1, "hour"),
        (f"抱歉，您每天最多访问该接口8,000次，{DETAILS}", 8000, "day"),
        ("您每日最多访问该接口 5 次", 5, "day"),
        ("每分钟最多访问次数已用完", None, "minute"),
        ("抱歉，您访问接口(daily)频率超限(10次/小时)", 10, "hour"),
        ("频率超限(2次/分钟)，具体权限见文档", 2, "minute"),
        ("频率超限(5次/天)", 5, "day"),
        ("频率超限(60次/1分钟)", 60, "minute"),
        ("200次每分钟", 200, "minute"),
        ("每分钟最多访问200次，每天最多访问8000次", 200, "minute"),
        ("Sorry, at most 200 calls per minute; see permissions", 200, "minute"),
        ("maximum accesses per minute: 50", 50, "minute"),
        ("limit is 10 requests/hour", 10, "hour"),
        ("Only 5 times a day for your permission level", 5, "day"),
        ("limit exceeded: 100 per day", 100, "day"),
        ("请求过于频繁", None, "minute"),
        ("Too many requests", None, "minute"),
    ],
)  # fmt: skip
def test_40203_with_a_frequency_is_throttling(said: str, limit: int | None, period: str) -> None:
    error = refusal("daily", 40203, said, hide)
    assert (error.api, getattr(error, "limit", "none"), getattr(error, "said", "none")) == ("daily", limit, said)
    if period == "day":
        assert type(error) is DayQuotaSpent
        assert not error.helps
    else:
        assert isinstance(error, Throttled)
        assert (error.period, error.wait, error.helps) == (period, None, True)


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (40101, "您的token不对，请确认。", TokenRefused),
        (40101, "", TokenRefused),
        (40001, "invalid Token", TokenRefused),
        (40102, "token expired", TokenRefused),
        (40001, "参数错误", RequestRejected),
        (50101, "token bucket empty", RequestRejected),
        (2002, "没有权限", NotEntitled),
        (2002, "", NotEntitled),
        (40203, f"抱歉，您没有接口(stk_mins)访问权限，{DETAILS}", NotEntitled),
        (40203, "您的积分不足", NotEntitled),
        (40203, "No permission for this interface (daily)", NotEntitled),
        (40203, "抱歉，您的IP数量超限，最大数量为2个！", RequestRejected),
        (40203, "", RequestRejected),
        (-2001, "每分钟最多访问该接口200次", RequestRejected),
        (-1, "系统内部错误", RequestRejected),
    ],
)  # fmt: skip
def test_other_refusals_keep_their_code_and_message(code: int, said: str, kind: type[RequestError]) -> None:
    error = refusal("daily", code, said, hide)
    assert type(error) is kind
    assert isinstance(error, (TokenRefused, NotEntitled, RequestRejected))
    assert (error.api, error.code, error.said, error.helps) == ("daily", code, said, False)


def test_a_refusal_is_read_before_the_token_is_taken_out() -> None:
    # Where the token is itself a word of the message, hiding it first would change what it says.
    error = refusal("daily", 40001, "bad token", lambda text: text.replace("token", "***"))
    assert isinstance(error, TokenRefused)
    assert error.said == "bad ***"


@pytest.mark.parametrize("where", [0, 30, 155, 995])
def test_no_piece_of_a_token_is_left_by_a_cut(where: int) -> None:
    text = "-" * where + TOKEN + "-" * 1000
    errors = [
        refusal("daily", 7, text, hide),
        refusal("daily", 40203, f"{text} 每分钟", hide),
        _malformed(text.encode()),
        _malformed(json.dumps({"code": text}).encode()),
        _malformed(json.dumps(payload([text])).encode()),
    ]
    for error in errors:
        assert TOKEN[:4] not in f"{error} {error!r} {vars(error)}"


@pytest.mark.parametrize("code", [0, "0", 40203, "40203", "-1"])
def test_a_code_may_be_written_as_text(code: object) -> None:
    content = payload() | {"code": code, "msg": "没有权限"}
    if int(str(code)) == 0:
        assert len(read(content).table) == 0
    else:
        with pytest.raises(NotEntitled if "40203" in str(code) else RequestRejected) as caught:
            read(content)
        assert vars(caught.value)["code"] == int(str(code))


@pytest.mark.parametrize("message", [None, 5, ["x"], {}])
def test_a_refusal_without_words_is_a_refusal(message: object) -> None:
    with pytest.raises(RequestRejected, match="with code 7") as caught:
        read({"code": 7, "msg": message})
    assert caught.value.said == ""


def _malformed(body: bytes, asked: Question | None = None) -> MalformedAnswer:
    with pytest.raises(MalformedAnswer) as caught:
        read_answer(asked or question(), body)
    assert caught.value.api == "daily"
    assert caught.value.helps
    return caught.value


@pytest.mark.parametrize(
    ("body", "expected", "got"),
    [
        (b"", "JSON", "nothing"),
        (b"<html>Bad gateway</html>", "JSON", "character 0 of 24: Expecting value: <html>Bad gateway</html>"),
        (b'{"code": 0, "data": {"fie', "JSON", "at character 21 of 25"),
        (b"\xff\xfe{}", "JSON", "4 bytes that are no UTF-8"),
        (b"[" * 100_000, "JSON", "lists within lists"),
        (b'{"code": NaN}', "JSON", "the number NaN"),
        (b'{"code": -Infinity}', "JSON", "the number -Infinity"),
        (b'{"code": 1e999}', "JSON", "the number 1e999"),
        (b'{"code": ' + b"9" * 5000 + b"}", "JSON", "4300 digits"),
        (b"[]", "a JSON object", "a list of 0"),
        (b"null", "a JSON object", "nothing"),
        (b'"ok"', "a JSON object", '"ok"'),
        (b"{}", "a whole number as code", "nothing"),
        (b'{"code": true}', "a whole number as code", "true"),
        (b'{"code": 0.0}', "a whole number as code", "0.0"),
        (b'{"code": "ok"}', "a whole number as code", '"ok"'),
        (b'{"code": 0}', "an object as data", "nothing"),
        (b'{"code": 0, "data": []}', "an object as data", "a list of 0"),
        (b'{"code": 0, "data": {}}', "a list of texts as fields", "nothing"),
        (b'{"code": 0, "data": {"fields": {}}}', "a list of texts as fields", "an object"),
    ],
)
def test_what_is_no_answer_is_told_from_what_was_expected(body: bytes, expected: str, got: str) -> None:
    error = _malformed(body)
    assert error.expected == expected
    assert got in error.got
    assert len(error.got) <= 1000


@pytest.mark.parametrize(
    ("fields", "items", "expected", "got"),
    [
        ("ts_code,close", [], "a list of texts as fields", '"ts_code,close"'),
        (["ts_code", 5], [], "a list of texts as fields", "a list of 2"),
        (["ts_code", "close", "close"], [], "each field once", "ts_code, close, close"),
        (["ts_code", "open"], [], "the fields ts_code, close", "ts_code, open"),
        ([], [], "the fields ts_code, close", "none"),
        (["ts_code", "close"], None, "a list of rows as items", "nothing"),
        (["ts_code", "close"], {"0": []}, "a list of rows as items", "an object"),
        (["ts_code", "close"], [["a", 1.0], "b"], "a list as row 1", '"b"'),
        (["ts_code", "close"], [["a", 1.0], ["b"]], "2 values in row 1", "1"),
        (["ts_code", "close"], [["a", 1.0, 2.0]], "2 values in row 0", "3"),
        (["ts_code", "close"], [["a", [1.0]]], "texts and numbers in row 0", "a list of 1"),
    ],
)
def test_data_must_be_a_table(fields: object, items: object, expected: str, got: str) -> None:
    error = _malformed(json.dumps({"code": 0, "data": {"fields": fields, "items": items}}).encode())
    assert (error.expected, error.got) == (expected, got)


CODES = ("ts_code", "trade_date")
ROW = ["600519.SH", "20240304"]


@pytest.mark.parametrize(
    ("params", "row", "expected"),
    [
        ({"ts_code": "600519.SH,000001.SZ"}, ["000002.SZ", "20240304"], "a ts_code of those asked for"),
        ({"ts_code": "600519.SH"}, [None, "20240304"], "a ts_code of those asked for"),
        ({"trade_date": "20240304"}, ["600519.SH", "20240305"], "a trade_date of those asked for"),
        ({"start_date": "20240302"}, ["600519.SH", "20240301"], "a trade_date from 20240302 to 99999999"),
        ({"end_date": "20240305"}, ["600519.SH", "20240306"], "a trade_date from any day to 20240305"),
        ({"start_date": "20240301"}, ["600519.SH", "2024-03-05"], "a trade_date from 20240301 to 99999999"),
        ({"start_date": "20240301"}, ["600519.SH", None], "a trade_date from 20240301 to 99999999"),
        ({"start_date": "20240301"}, ["600519.SH", ""], "a trade_date from 20240301 to 99999999"),
    ],
)
def test_rows_that_were_not_asked_for_are_malformed(params: Mapping[str, str], row: list[Any], expected: str) -> None:
    error = _malformed(json.dumps(payload(CODES, ROW, row)).encode(), question(*CODES, **params))
    assert error.expected == expected
    assert error.got.endswith("in row 1")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"ts_code": "000001.SZ,600519.SH"},
        {"ts_code": "", "trade_date": "", "start_date": "", "end_date": ""},
        {"trade_date": "20240304"},
        {"start_date": "20240304", "end_date": "20240304"},
        {"start_date": "20240301"},
        {"end_date": "20240304"},
        {"exchange": "SSE"},
    ],
)
def test_rows_that_were_asked_for_pass(params: Mapping[str, str]) -> None:
    assert len(read(payload(CODES, ROW, ROW), question(*CODES, **params)).table) == 2
    # A date may be a number, and an answer may have no rows.
    assert len(read(payload(CODES, ["600519.SH", 20240304]), question(*CODES, **params)).table) == 1
    assert len(read(payload(CODES), question(*CODES, **params)).table) == 0


def test_calendar_days_are_held_to_the_span_too() -> None:
    asked = question("cal_date", "is_open", start_date="20240301", end_date="20240304")
    assert len(read(payload(("cal_date", "is_open"), ["20240301", 1], ["20240304", 1]), asked).table) == 2
    error = _malformed(json.dumps(payload(("cal_date", "is_open"), ["20240305", 1])).encode(), asked)
    assert error.expected == "a cal_date from 20240301 to 20240304"


def test_what_was_asked_for_but_does_not_come_back_as_a_column_cannot_be_held_against_it() -> None:
    assert (
        len(read(payload(("close",), [1.0]), question("close", ts_code="600519.SH", trade_date="20240304")).table) == 1
    )


@pytest.mark.parametrize(
    ("status", "helps"),
    [(204, False), (301, False), (302, False), (404, False), (408, True), (500, True), (502, True), (503, True)],
)
def test_a_status_that_is_no_success_is_a_fault(status: int, helps: bool) -> None:
    error = fault("daily", status, None, NOW)
    assert isinstance(error, ServerFault)
    assert (error.api, error.status, error.helps) == ("daily", status, helps)


@pytest.mark.parametrize(
    ("header", "wait", "period"),
    [
        (None, None, "minute"),
        ("7", 7.0, "minute"),
        (" 0 ", 0.0, "minute"),
        ("600", 600.0, "minute"),
        ("601", 601.0, "hour"),
        ("Mon, 04 Mar 2024 08:00:30 GMT", 30.0, "minute"),
        ("Mon, 04 Mar 2024 16:00:30 +0800", 30.0, "minute"),
        ("Mon, 04 Mar 2024 08:00:30", 30.0, "minute"),
        ("Mon, 04 Mar 2024 07:00:00 GMT", 0.0, "minute"),
        ("Mon, 04 Mar 2024 09:30:00 GMT", 5400.0, "hour"),
        ("-5", None, "minute"),
        ("1.5", None, "minute"),
        ("inf", None, "minute"),
        ("soon", None, "minute"),
        ("٣", None, "minute"),
        ("9" * 5000, None, "minute"),
        ("Mon, 99 Mar 2024 08:00:30 GMT", None, "minute"),
    ],
)
def test_429_says_when_to_come_back(header: str | None, wait: float | None, period: str) -> None:
    error = fault("daily", 429, header, NOW)
    assert isinstance(error, Throttled)
    assert (error.limit, error.period, error.wait, error.said) == (None, period, wait, "HTTP status 429")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["fields", "items", "x"]), inner),
    max_leaves=8,
)


@several
@given(
    content=st.one_of(
        json_values,
        st.fixed_dictionaries({"code": st.sampled_from([0, "0"]), "data": json_values}),
        st.fixed_dictionaries(
            {
                "code": st.just(0),
                "data": st.fixed_dictionaries({"fields": st.just(["ts_code", "close"]), "items": json_values}),
            }
        ),
    )
)
def test_whatever_comes_is_a_table_or_an_error_with_a_name(content: object) -> None:
    try:
        answer = read(content)
    except RequestError as error:
        assert str(error).startswith("daily: ")  # noqa: PT017
    else:
        assert list(answer.table.columns) == ["ts_code", "close"]


@several
@given(body=st.binary(max_size=40))
def test_bytes_without_sense_are_malformed(body: bytes) -> None:
    _malformed(body)
