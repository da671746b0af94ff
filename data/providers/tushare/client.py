"""One call at a time to a Tushare server, with every failure named.

The SDK's client turns an outage into an empty table, forgets the code of a refusal, and waits without end for a server
that sends a byte now and then. Its address, its token and the form of its calls are kept; the rest of the way is here:
pacing, a deadline, the check of the answer, and further tries where they can help.

The token goes into the body of a request and nowhere else: not into a message, an error's fields or causes, or a log.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import pandas as pd
import requests
from urllib3.exceptions import HTTPError

from data.clock import Clock
from data.errors import NoToken, PageFull, RequestError, Throttled, Unreachable
from data.providers.tushare.answer import Answer, Question, fault, read_answer
from data.providers.tushare.limits import CallLimits, silent
from data.providers.tushare.wire import Deadline, Session, lasts, reason_of

if TYPE_CHECKING:

    class DataApi:
        """What is used of the SDK's client, which ships no types."""

        _DataApi__http_url: str
        _DataApi__token: str

        def __init__(self, token: str, timeout: float) -> None: ...
else:
    from tushare.pro.client import DataApi

__all__ = ["PAGE_ROWS", "Answer", "TushareClient"]

PAGE_ROWS: Final[Mapping[str, int]] = {
    "daily": 6000,
    "adj_factor": 6000,
    "trade_cal": 6000,
    "stock_basic": 6000,
    "suspend_d": 5000,
    "index_daily": 6000,
    "index_weight": 6000,
}
"""Rows that fit into one answer. An interface that is not listed is taken to have the smallest of these."""

MAX_BYTES: Final = 64 * 2**20

_MINUTE: Final = 61.0
_BACK_OFF: Final = 1.0
_LONGEST_BACK_OFF: Final = 30.0
_SHORTEST_SECRET: Final = 4


class TushareClient(DataApi):
    """The SDK's client without its silence. For one thread; to be closed, or used in a `with` statement.

    Attributes:
        calls: how many requests were sent so far, every try counted.
    """

    def __init__(
        self,
        token: str,
        *,
        limits: CallLimits,
        clock: Clock,
        url: str | None = None,
        timeout: float = 30.0,
        attempts: int = 5,
        chance: random.Random | None = None,
        on_wait: Callable[[float, str], None] = silent,
        page_rows: Mapping[str, int] | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            token: the account's; blanks around it are dropped.
            limits: what paces the calls.
            clock: what waits between two tries.
            url: the server's address, None for the SDK's own.
            timeout: seconds for one try from the connection to the last byte. Only a name with several addresses of
                which none answers takes longer: as many times as it has addresses.
            attempts: tries in all where another one may help.
            chance: draws the back-off, so that many clients do not come back at once.
            on_wait: told before each wait: seconds, and why.
            page_rows: rows that fit into one answer, by interface, where `PAGE_ROWS` does not hold.
        """
        super().__init__(token.strip(), timeout)
        if url is not None:
            self._DataApi__http_url = url.rstrip("/")
        self.calls = 0
        self._limits = limits
        self._clock = clock
        self._timeout = timeout
        self._attempts = attempts
        self._chance = chance or random.Random()
        self._on_wait = on_wait
        self._page_rows = {**PAGE_ROWS, **(page_rows or {})}
        self._session = Session()

    @property
    def secure(self) -> bool:
        """Whether the token travels encrypted."""
        return self._DataApi__http_url.lower().startswith("https://")

    @property
    def address(self) -> str:
        """Where the calls go: scheme, host, port and path, without a user's name or password."""
        scheme, mark, rest = self._DataApi__http_url.partition("://")
        host, slash, path = (rest if mark else scheme).partition("/")
        return self._hide(f"{scheme if mark else ''}{mark}{host.rpartition('@')[2]}{slash}{path}")

    def call(self, api: str, fields: Sequence[str], **params: str) -> Answer:
        """The answer of one interface.

        Args:
            api: the interface, such as daily.
            fields: the columns to ask for.
            params: the interface's own parameters, dates as YYYYMMDD.

        Raises:
            NoToken: there is none to send.
            TokenRefused, NotEntitled, DayQuotaSpent, RequestRejected: the server refuses for good.
            Throttled: it refuses for an hour, or after as many tries as there are.
            ServerFault, Unreachable, MalformedAnswer: no answer that can be used, after as many tries as may help.
        """
        if not self._DataApi__token:
            raise NoToken(api)
        rows = self._page_rows.get(api, min(self._page_rows.values()))
        question = Question(api, tuple(fields), params, rows, self._hide)
        tries = 0
        while True:
            self._limits.wait(api, self._on_wait)
            outcome = self._try(question)
            if isinstance(outcome, Answer):
                return outcome
            tries += 1
            if tries >= self._attempts or not _worth_another(outcome):
                raise outcome
            self._pause(outcome, tries)

    def query(self, api_name: str, fields: str = "", **kwargs: str) -> pd.DataFrame:
        """The SDK's form of a call, also behind `client.daily(...)`. No fields mean all that the server has.

        Raises:
            PageFull: rows may be missing, which a table alone cannot tell.
            RequestError: as `call`.
        """
        answer = self.call(api_name, [name.strip() for name in fields.split(",") if name.strip()], **kwargs)
        if answer.full:
            asked = ", ".join(f"{name}={value}" for name, value in kwargs.items())
            raise PageFull(api_name, len(answer.table), self._hide(asked) or "everything")
        return answer.table

    def learn_page_rows(self, api: str, rows: int) -> None:
        """Remember that an answer of `api` was cut at `rows`, fewer than was thought to fit."""
        known = self._page_rows.get(api, min(self._page_rows.values()))
        self._page_rows[api] = max(1, min(rows, known))

    def close(self) -> None:
        """Let go of the connection. A later call opens another."""
        self._session.close()

    def __enter__(self) -> TushareClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TushareClient({self.address}, calls={self.calls})"

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            # The SDK takes every unknown name for an interface, even those by which Python copies or pickles.
            if name.startswith("_"):
                raise AttributeError(name)
            return super().__getattr__(name)

    def _try(self, question: Question) -> Answer | RequestError:
        """One request. The error is returned: raised from here, it would carry what it was made from."""
        self.calls += 1
        deadline = Deadline(self._timeout)
        lasting, reason = False, ""
        try:
            with deadline.running():
                body = self._post(question)
            if not deadline.over:
                return read_answer(question, body)
        except RequestError as error:
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)
        except (requests.RequestException, HTTPError, HTTPException, OSError, UnicodeError) as error:
            lasting, reason = lasts(error), self._hide(reason_of(error))
        finally:
            self._limits.answered()
        if deadline.over:
            reason = f"it was not complete after {self._timeout:g} s"
        return Unreachable(question.api, self.address, reason, lasting)

    def _post(self, question: Question) -> bytes:
        base = self._DataApi__http_url
        request: dict[str, Any] = {
            "api_name": question.api,
            "token": self._DataApi__token,
            "params": {"ts_type_name": base, **question.params},
            "fields": ",".join(question.fields),
        }
        # Elsewhere is not where the token is meant to go: redirects are not followed.
        with self._session.post(
            f"{base}/{question.api}", json=request, timeout=self._timeout, stream=True, allow_redirects=False
        ) as response:
            if response.status_code != 200:
                retry_after = response.headers.get("Retry-After")
                raise fault(question.api, response.status_code, retry_after, self._clock.now())
            body = bytearray()
            for piece in response.iter_content(2**16):
                body += piece
                if len(body) > MAX_BYTES:
                    raise question.malformed(f"at most {MAX_BYTES} bytes", "more")
            return bytes(body)

    def _pause(self, error: RequestError, tries: int) -> None:
        if isinstance(error, Throttled):
            seconds, why = _MINUTE if error.wait is None else error.wait, "throttled"
        else:
            longest = min(_LONGEST_BACK_OFF, _BACK_OFF * 2.0 ** (tries - 1))
            seconds, why = self._chance.uniform(0.0, longest), "back-off"
        self._on_wait(seconds, f"{why}: try {tries + 1} of {self._attempts} follows, for {error}")
        self._clock.sleep(seconds)

    def _hide(self, text: str) -> str:
        """`text` without the token and without what the address logs in with."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        login = self._DataApi__http_url.partition("://")[2].partition("/")[0].rpartition("@")[0]
        # A shorter word keeps no secret, and without it no message could be read.
        plain = {one for one in (login, login.partition(":")[2]) if len(one) >= _SHORTEST_SECRET}
        plain |= {self._DataApi__token, *(unquote(one) for one in plain)}
        forms = plain | {quote(one, safe="") for one in plain} | {json.dumps(one)[1:-1] for one in plain}
        forms |= {json.dumps(one, ensure_ascii=False)[1:-1] for one in plain}
        # The longest first: where one holds another, nothing of it is left over.
        return sorted(forms - {""}, key=len, reverse=True)


def _worth_another(error: RequestError) -> bool:
    return error.helps and not (isinstance(error, Throttled) and error.period == "hour")
