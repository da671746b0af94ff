"""Forecasters of other packages that cannot live beside ours: asked as a process of another interpreter.

statsforecast 2.1 wants pandas below 3, and neuralforecast brings PyTorch. Both run by the modules in `foreign/`, which
know nothing of this project: bars go in as Parquet, quantiles come out.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from data.adjust import adjusted
from forecaster.baselines.protocol import Fold, Made, Say, Unavailable

from .foreign.exchange import MISSING

# What the other interpreter must find: the folder above this package, and nothing else of ours.
_ABOVE: Final = Path(__file__).parent.parent
_MODULES: Final = f"{Path(__file__).parent.name}.foreign"
_BARS: Final = ["symbol", "session", "open", "high", "low", "close", "volume"]
_LAST_LINES: Final = 15

HINT: Final = (
    "python -m venv FOLDER && FOLDER/bin/pip install statsforecast neuralforecast torch==2.13.0, "
    "and then --field-python FOLDER/bin/python"
)


class ForeignFailed(RuntimeError):
    """A module ended with a failure; `output` is the end of what it said."""

    def __init__(self, module: str, status: int, output: str) -> None:
        super().__init__(f"{module} ended with status {status}:\n{output}")
        self.output = output


@dataclass(frozen=True, slots=True)
class Foreign:
    """A forecaster in another interpreter.

    Attributes:
        name: of the forecaster.
        module: its file in `foreign/`.
        python: the interpreter.
        sizes: the module's settings.
        seeded: whether it uses the seed.
    """

    name: str
    module: str
    python: Path | None
    sizes: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = False

    def settings(self) -> Mapping[str, Any]:
        """See `Forecaster.settings`."""
        return dict(self.sizes)

    def fit_predict(self, fold: Fold, levels: Sequence[float], seed: int, say: Say) -> Made:
        """See `Forecaster.fit_predict`.

        Raises:
            Unavailable: no interpreter was given, or it lacks the package.
            ForeignFailed: the module failed.
        """
        if self.python is None:
            raise Unavailable("an interpreter with the field's packages", HINT)
        with tempfile.TemporaryDirectory(prefix="accuracy-") as name:
            folder = Path(name)
            adjusted(fold.seen, "backward")[_BARS].to_parquet(folder / "bars.parquet", index=False)
            fold.origins.to_parquet(folder / "origins.parquet", index=False)
            request = {"refit": str(fold.refit), "levels": list(levels), "seed": seed, "settings": dict(self.sizes)}
            (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
            self._run(folder, say)
            table = pd.read_parquet(folder / "quantiles.parquet")
            table["origin"] = table["origin"].astype("datetime64[s]")
            return Made(table, json.loads((folder / "notes.json").read_text(encoding="utf-8")))

    def _run(self, folder: Path, say: Say) -> None:
        last: deque[str] = deque(maxlen=_LAST_LINES)
        process = subprocess.Popen(
            [str(self.python), "-m", f"{_MODULES}.{self.module}", str(folder)],
            env={**os.environ, "PYTHONPATH": str(_ABOVE)},
            cwd=folder,  # some of these packages leave logs where they are started
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        with process:
            for line in process.stderr:
                head, _, text = line.rstrip().partition(" ")
                if head == "PROGRESS":
                    say(text)
                else:
                    last.append(line.rstrip())
        if process.returncode == MISSING:
            raise Unavailable(last[-1].removeprefix("MISSING ") if last else self.module, HINT)
        if process.returncode != 0:
            raise ForeignFailed(self.module, process.returncode, "\n".join(last))
