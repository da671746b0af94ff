"""The held-out forecasts of a bundle, a symbol at a time, from a private copy that was verified.

A process that serves for months reads them when somebody asks. It must neither hold all of them in memory nor trust a
file that may have changed since it was checked.
"""

from __future__ import annotations

import hashlib
import tempfile
import weakref
from pathlib import Path
from threading import Lock
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forecaster.errors import CorruptBundle

_PIECE: Final = 1 << 20


class HeldOut:
    """Rows of `evidence.parquet`. Thread-safe; the copy ends with the object."""

    def __init__(self, path: Path, sha256: str) -> None:
        """Copy a file and verify the copy.

        Args:
            path: of the file.
            sha256: of its content, in hexadecimal.

        Raises:
            CorruptBundle: it cannot be read, or is not the one that was written.
        """
        # Without a name, so that nobody can change it and it is gone with the process.
        self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open as long as this object lives
        weakref.finalize(self, self._copy.close)
        digest = hashlib.sha256()
        try:
            with path.open("rb") as source:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    self._copy.write(piece)
        except OSError as error:
            raise CorruptBundle(path.parent, path.name, f"cannot be read ({error.strerror})") from error
        if digest.hexdigest() != sha256:
            raise CorruptBundle(path.parent, path.name, "does not match its sha256 in bundle.json")
        self._copy.seek(0)
        self._file = pq.ParquetFile(self._copy)
        self._lock = Lock()
        column = self._file.schema_arrow.get_field_index("symbol")
        statistics = [
            self._file.metadata.row_group(group).column(column).statistics
            for group in range(self._file.metadata.num_row_groups)
        ]
        self._spans = [(one.min, one.max) if one is not None and one.has_min_max else None for one in statistics]

    def of(self, symbol: str) -> pd.DataFrame:
        """A symbol's rows (see `forecaster.evidence`); none where it had no part in the held-out span."""
        groups = [group for group, span in enumerate(self._spans) if span is None or span[0] <= symbol <= span[1]]
        if not groups:
            return pd.DataFrame(self._file.schema_arrow.empty_table().to_pandas())
        with self._lock:
            table = self._file.read_row_groups(groups, use_threads=False)
        found: pa.Table = table.filter(pc.equal(table["symbol"], symbol))
        return pd.DataFrame(found.to_pandas())
