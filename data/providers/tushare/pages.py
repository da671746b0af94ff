"""One piece of a plan as calls. An answer at the row limit is never trusted: its piece is halved and asked again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.errors import PageFull
from data.providers.tushare.client import TushareClient
from data.providers.tushare.plan import Piece
from data.providers.tushare.reference import compact

Days = np.ndarray[Any, np.dtype[np.datetime64]]


class Pages:
    """Asks for pieces whose sessions are numbered by `days`."""

    def __init__(self, client: TushareClient, days: Days, most_codes: int) -> None:
        """Asks for nothing yet.

        Args:
            client: what makes the calls.
            days: `(n,) datetime64[D]`, the sessions.
            most_codes: the most symbols that one call may name.
        """
        self._client = client
        self._days = days
        self._most_codes = most_codes

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
            params["ts_code"] = ",".join(sorted(set(piece.symbols)))
        answer = self._client.call(api, fields, **params)
        if not answer.full:
            return answer.table
        smaller = piece.halves(self._most_codes)
        if not smaller:
            raise PageFull(api, len(answer.table), f"{', '.join(piece.symbols)} on {first}")
        return pd.concat([self.rows(api, fields, one) for one in smaller], ignore_index=True)

    def day(self, number: int) -> date:
        """The session with that number."""
        found: date = self._days[number].item()
        return found
