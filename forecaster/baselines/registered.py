"""The baselines by name, in the order of reports."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from forecaster.baselines.drift import Drift
from forecaster.baselines.ets import Ets
from forecaster.baselines.ewma import Ewma
from forecaster.baselines.garch import Garch
from forecaster.baselines.naive import Naive
from forecaster.baselines.protocol import HINT, Forecaster, Unavailable

BASELINES: Final[Mapping[str, Forecaster]] = {one.name: one for one in (Naive(), Drift(), Ewma(), Garch(), Ets())}

# What each needs beside the packages that serve.
_NEEDS: Final = {"ewma": "scipy", "garch": "arch", "ets": "statsmodels"}


def baseline(name: str) -> Forecaster:
    """The baseline called `name`.

    Raises:
        KeyError: there is none.
        Unavailable: its package is not installed.
    """
    found = BASELINES[name]
    package = _NEEDS.get(name)
    if package is not None and find_spec(package) is None:
        raise Unavailable(package, HINT)
    return found
