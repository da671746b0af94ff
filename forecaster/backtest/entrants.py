"""Who takes part: specs and baselines by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from forecaster.backtest.contestant import Network
from forecaster.baselines.protocol import Forecaster, Unavailable
from forecaster.baselines.registered import BASELINES, baseline
from forecaster.errors import SpecError, TrainingUnavailable
from forecaster.experiment import require_training_packages
from forecaster.spec import load_specs

DEFAULT: Final = "default"
NAIVE: Final = "naive"
_LARGEST_SEED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Entrants:
    """Who takes part.

    Attributes:
        contestants: baselines and then specs, naive always first.
        levels: of the quantiles: those that all specs give.
        absent: baselines that are left out -> why.
    """

    contestants: tuple[Forecaster, ...]
    levels: tuple[float, ...]
    absent: dict[str, str]


def entrants(specs: Sequence[str], baselines: Sequence[str] | None, seeds: Sequence[int] = ()) -> Entrants:
    """The contestants by name.

    Args:
        specs: TOML files, each named by its stem, or `default`; at least one.
        baselines: names; None takes all that are installed. Naive, which all are measured by, always takes part.
        seeds: of the training, to be checked.

    Raises:
        SpecError: a name is not known or used twice, a spec cannot be, or the specs have no levels in common.
        TrainingUnavailable: a package that was asked for is not installed.
    """
    for seed in seeds:
        if not 0 <= seed <= _LARGEST_SEED:
            raise SpecError("--seed", f"a number from 0 to {_LARGEST_SEED}", seed)
    require_training_packages()
    networks = []
    for given in specs:
        name = given if given == DEFAULT else Path(given).stem
        networks.append(Network(name, *load_specs(None if given == DEFAULT else Path(given))))
    chosen, absent = _baselines(baselines)
    contestants: tuple[Forecaster, ...] = (*chosen, *networks)
    names = [one.name for one in contestants]
    for name in names:
        if names.count(name) > 1 or name in absent:
            raise SpecError("--spec", "names that differ from each other and from the baselines", name)
    levels = tuple(
        level for level in networks[0].spec.quantiles if all(level in one.spec.quantiles for one in networks)
    )
    if len(levels) < 3:
        raise SpecError("--spec", "specs with quantiles in common, beside the median", levels)
    return Entrants(contestants, levels, absent)


def _baselines(names: Sequence[str] | None) -> tuple[list[Forecaster], dict[str, str]]:
    found: list[Forecaster] = []
    absent: dict[str, str] = {}
    wanted = list(BASELINES) if names is None else [one.strip() for one in names if one.strip()]
    for name in wanted:
        if name not in BASELINES:
            raise SpecError("--baselines", f"names of {', '.join(BASELINES)}", name)
    for name in BASELINES:
        if name != NAIVE and name not in wanted:
            continue
        try:
            found.append(baseline(name))
        except Unavailable as error:
            if names is not None:
                raise TrainingUnavailable(error.name) from None
            absent[name] = str(error)
    return found, absent
