"""What a Tushare server answered: rows, or an error that names the refusal. Pure: no network and no clock."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import pandas as pd

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

# A server that asks for more patience than this does not speak of a minute's limit.
_LONGEST_MINUTE: Final = 600.0
_SAID: Final = 1000

_PERIODS: Final = {
    **dict.fromkeys(("分钟", "分", "minute", "min"), "minute"),
    **dict.fromkeys(("小时", "时", "hour"), "hour"),
    **dict.fromkeys(("天", "日", "day"), "day"),
}
_COUNT: Final = r"(\d[\d,]{0,9})"
# As servers put it: 每分钟最多访问该接口200次; 频率超限(10次/小时); 200 calls per minute; per day at most 5 times.
_FREQUENCIES: Final = (
    re.compile(rf"{_COUNT}\s*次\s*[/\uff0f每]\s*1?\s*(分钟|分|小时|时|天|日)"),
    re.compile(rf"每(分钟|小时|天|日)(?:[^\d]{{0,30}}{_COUNT}\s*次)?"),
    re.compile(rf"{_COUNT}\s*(?:[a-z]+\s*){{0,3}}(?:\bper\b|\beach\b|\bevery\b|\ban?\b|/)\s*(minute|min|hour|day)\b"),
    re.compile(rf"\b(?:per|each|every)\s+(minute|min|hour|day)\b(?:[^\d]{{0,30}}{_COUNT})?"),
)
_TOO_OFTEN: Final = re.compile(r"频率|频繁|too many (?:requests|calls)|rate limit")
_ENTITLEMENT: Final = re.compile(r"权限|积分|permission")


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one call.

    Attributes:
        table: the fields that were asked for, in that order, with values as they came.
        full: as many rows as fit into one answer, or the server says that there are more: rows may be missing.
    """

    table: pd.DataFrame
    full: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One call, as far as its answer is checked against it.

    Attributes:
        api: the interface.
        fields: the columns that were asked for; none means all that the server has.
        params: the call's parameters.
        page_rows: how many rows fit into one answer.
        hide: takes the token out of a text that goes into an error.
    """

    api: str
    fields: tuple[str, ...]
    params: Mapping[str, str]
    page_rows: int
    hide: Callable[[str], str]

    def malformed(self, expected: str, got: str) -> MalformedAnswer:
        """The error for an answer that breaks the protocol. What is hidden goes before anything is cut."""
        return MalformedAnswer(self.api, expected, self.hide(got)[:_SAID])


def read_answer(question: Question, body: bytes) -> Answer:
    """The rows in the body of an answer with HTTP status 200.

    Raises:
        TokenRefused, NotEntitled, Throttled, DayQuotaSpent, RequestRejected: the server refuses, see `refusal`.
        MalformedAnswer: the body is not what the protocol promises, or holds rows that were not asked for.
    """
    answer = _parse(question, body)
    if not isinstance(answer, dict):
        raise question.malformed("a JSON object", _described(answer))
    code = _whole_number(answer.get("code"))
    if code is None:
        raise question.malformed("a whole number as code", _described(answer.get("code")))
    if code != 0:
        said = answer.get("msg")
        raise refusal(question.api, code, said if isinstance(said, str) else "", question.hide)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise question.malformed("an object as data", _described(data))
    table = _table(question, data.get("fields"), data.get("items"))
    _require_asked_for(question, table)
    more = data.get("has_more") not in (None, False, 0, "", "0", "false", "False")
    return Answer(table, full=more or len(table) >= question.page_rows)


def refusal(api: str, code: int, message: str, hide: Callable[[str], str]) -> RequestError:
    """The error for a code other than 0. Code 40203 means two things, and only its message tells which."""
    said, plain = hide(message)[:_SAID], message[:_SAID].lower()
    if code == 40101 or ((code == 40001 or 40100 <= code < 40200) and "token" in plain):
        return TokenRefused(api, code, said)
    if code == 2002:
        return NotEntitled(api, code, said)
    if code == 40203:
        # Frequency first: such messages end in a hint at permissions, too.
        frequency = _frequency(plain)
        if frequency is not None:
            limit, period = frequency
            return DayQuotaSpent(api, limit, said) if period == "day" else Throttled(api, limit, period, None, said)
        if _ENTITLEMENT.search(plain):
            return NotEntitled(api, code, said)
    return RequestRejected(api, code, said)


def fault(api: str, status: int, retry_after: str | None, now: datetime) -> RequestError:
    """The error for an HTTP status other than 200.

    Args:
        api: the interface.
        status: the HTTP status.
        retry_after: the header of that name: seconds, or a date.
        now: the present, with a time zone.
    """
    if status != 429:
        return ServerFault(api, status)
    wait = _seconds(retry_after or "", now)
    period = "hour" if wait is not None and wait > _LONGEST_MINUTE else "minute"
    return Throttled(api, None, period, wait, "HTTP status 429")


def _frequency(said: str) -> tuple[int | None, str] | None:
    """The limit and its period (`minute`, `hour`, `day`) that a message speaks of first, None if of none."""
    found = [match for form in _FREQUENCIES if (match := form.search(said))]
    if not found:
        return (None, "minute") if _TOO_OFTEN.search(said) else None
    # Of two forms that begin at the same place the one that tells a number says more.
    first = min(found, key=lambda match: (match.start(), None in match.groups()))
    period = next(_PERIODS[group] for group in first.groups() if group in _PERIODS)
    count = next((group for group in first.groups() if group and group not in _PERIODS), None)
    return None if count is None else int(count.replace(",", "")), period


def _seconds(retry_after: str, now: datetime) -> float | None:
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    # A date that names no zone is in GMT, as HTTP's dates are.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _parse(question: Question, body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError:
        got = f"{len(body)} bytes that are no UTF-8"
    except json.JSONDecodeError as error:
        got = f"at character {error.pos} of {len(error.doc)}: {error.msg}: {error.doc}" if error.doc else "nothing"
    except RecursionError:
        got = "lists within lists within lists"
    except ValueError as error:
        got = str(error)
    raise question.malformed("JSON", got)


def _refuse(constant: str) -> float:
    raise ValueError(f"the number {constant}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits}")
    return number


def _table(question: Question, fields: object, items: object) -> pd.DataFrame:
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise question.malformed("a list of texts as fields", _described(fields))
    if len(set(fields)) < len(fields):
        raise question.malformed("each field once", ", ".join(fields))
    missing = [name for name in question.fields if name not in fields]
    if missing:
        raise question.malformed(f"the fields {', '.join(question.fields)}", ", ".join(fields) or "none")
    if not isinstance(items, list):
        raise question.malformed("a list of rows as items", _described(items))
    for number, row in enumerate(items):
        if not isinstance(row, list):
            raise question.malformed(f"a list as row {number}", _described(row))
        if len(row) != len(fields):
            raise question.malformed(f"{len(fields)} values in row {number}", f"{len(row)}")
        for value in row:
            if isinstance(value, (list, dict)):
                raise question.malformed(f"texts and numbers in row {number}", _described(value))
    return pd.DataFrame(items, columns=fields)[list(question.fields or fields)]


def _require_asked_for(question: Question, table: pd.DataFrame) -> None:
    params = question.params
    for name in ("ts_code", "trade_date"):
        if params.get(name) and name in table:
            asked = params[name].split(",")
            _require(question, table[name], table[name].astype("str").isin(asked), f"{name} of those asked for")
    first, last = params.get("start_date") or "", params.get("end_date") or "99999999"
    for name in ("trade_date", "cal_date"):
        if name in table and (params.get("start_date") or params.get("end_date")):
            day = table[name].astype("str")
            within = day.str.fullmatch(r"[0-9]{8}").astype(bool) & (day >= first) & (day <= last)
            _require(question, table[name], within, f"{name} from {first or 'any day'} to {last}")


def _require(question: Question, column: pd.Series[Any], good: pd.Series[bool], expected: str) -> None:
    if not good.all():
        row = int((~good.to_numpy()).argmax())
        raise question.malformed(f"a {expected}", f"{column.iloc[row]} in row {row}")


def _whole_number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _described(value: object) -> str:
    """What came, in words: never a whole list or object."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
