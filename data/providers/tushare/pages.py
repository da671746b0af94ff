"""One piece of a plan as calls. An answer that may have been cut is not trusted: its piece is asked again, smaller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from data.errors import PageFull
from data.providers.tushare.client import TushareClient
from data.providers.tushare.plan import Piece
from data.providers.tushare.reference import compact
from data.sessions import Days

# No document says how many symbols one call may name; so many are known to work.
MOST_CODES: Final = 100


class Pages:
    """Asks for pieces whose sessions are numbered by `days`.

    Attributes:
        days: `(n,) datetime64[D]`, the sessions.
        named: of the symbols that one call named, so many at most were in its answer; 0 before there was such a call.
    """

    def __init__(self, client: TushareClient, days: Days) -> None:
        """Asks for nothing yet."""
        self.days = days
        self.named = 0
        self._client = client
        self._cut_at: dict[str, int] = {}

    def rows(self, api: str, fields: Sequence[str], piece: Piece) -> pd.DataFrame:
        """All rows of a piece, whole.

        Raises:
            PageFull: one symbol's one session fills an answer.
            RequestError: as the client raises them.
        """
        first, last = self.day(piece.first), self.day(piece.last)
        params = {"trade_date": compact(first)}
        if first != last:
            params = {"start_date": compact(first), "end_date": compact(last)}
        if not piece.market:
            params["ts_code"] = ",".join(sorted(piece.symbols))
        answer = self._client.call(api, fields, **params)
        if not answer.full:
            return answer.table
        smaller = piece.halves(MOST_CODES)
        if not smaller:
            raise PageFull(api, len(answer.table), f"{', '.join(piece.symbols)} on {first}")
        return pd.concat([self.rows(api, fields, one) for one in smaller], ignore_index=True)

    def series(self, api: str, fields: Sequence[str], piece: Piece) -> pd.DataFrame:
        """All rows of a piece of an interface that has a row a session; raises as `rows`.

        A server may have a lower limit than it tells, and cut an answer without a word. The newest rows come first, so
        what is cut is the piece's beginning: where that is missing it is asked for alone.
        """
        table = self.rows(api, fields, piece)
        if table.empty:
            return table
        if not piece.market and len(piece.symbols) > 1:
            self.named = max(self.named, table["ts_code"].nunique())
        days = pd.to_datetime(table["trade_date"].astype("string"), format="%Y%m%d", errors="coerce")
        oldest = int(np.searchsorted(self.days, days.min().to_numpy().astype("datetime64[D]")))
        before, there = piece.within(piece.first, oldest - 1), piece.within(oldest, oldest)
        if before is None or there is None:
            return table
        older = self.series(api, fields, before)
        if older.empty:
            return table
        self._was_cut(api, len(table))
        # The oldest session that came may have lost some of its rows, too.
        every = pd.concat([older, self.rows(api, fields, there), table], ignore_index=True)
        return every.drop_duplicates(ignore_index=True)

    def anybody(self, api: str, number: int) -> bool:
        """Whether the source has any row of a session, of whatever symbol; raises as `rows`."""
        answer = self._client.call(api, ("ts_code", "trade_date"), trade_date=compact(self.day(number)))
        return not answer.table.empty

    def day(self, number: int) -> date:
        """The session with that number."""
        found: date = self.days[number].item()
        return found

    def _was_cut(self, api: str, rows: int) -> None:
        """What is cut twice at the same number of rows has its limit there; once may be an accident."""
        if self._cut_at.get(api) == rows:
            self._client.learn_page_rows(api, rows)
        self._cut_at[api] = rows
