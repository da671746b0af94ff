"""What has to be the same in a year with faults and in one without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.unattended.disk import Disk, Registered
from benchmarks.unattended.promises import Judged
from benchmarks.unattended.shown import Shown

# Where the last bits of inputs differ, so do weights and answers.
_ROUNDING: Final = 1e-6
_ALIKE: Final = 1e-4
_TRAINING: Final = ("first", "weights_through", "trained_through", "held_out_from", "held_out_to")

Pairs = dict[str, str]


def compared(faulty: Judged, faultless: Judged) -> Iterator[Shown]:
    """Every such promise."""
    yield _prices(faulty, faultless)
    yield _facts(faulty.disk, faultless.disk)
    pairs = twins(faulty.disk, faultless.disk)
    yield _forecasts(faulty, faultless, pairs)
    yield _served(faulty, faultless, pairs)
    yield _bits(faulty.disk, faultless.disk, pairs)


def twins(own: Disk, other: Disk) -> Pairs:
    """The versions that two registries share: made from the same sessions by the same spec, and answering alike."""
    return {
        one.version: two.version
        for one in own.versions.values()
        for two in other.versions.values()
        if all(one.manifest[key] == two.manifest[key] for key in ("spec", "train_spec"))
        and all(one.manifest["training"][key] == two.manifest["training"][key] for key in _TRAINING)
        and all(_alike(one, two, *where) for where in (("probe",), ("calibration", "shift"), ("calibration", "step")))
    }


def _alike(one: Registered, two: Registered, *where: str) -> bool:
    found = []
    for manifest in (one.manifest, two.manifest):
        for key in where:
            manifest = manifest[key]
        found.append(np.asarray(manifest, dtype="float64"))
    return found[0].shape == found[1].shape and bool(np.abs(found[0] - found[1]).max() < _ALIKE)


def _prices(faulty: Judged, faultless: Judged) -> Shown:
    """Also those that the vendor itself has in the end."""
    own, other, sold = faulty.disk.bars, faultless.disk.bars, faultless.market.expected_bars()
    sold = sold.assign(session=sold["session"].dt.date)[list(own.columns)]
    sold = sold[sold["session"] <= own["session"].max()].reset_index(drop=True)
    broken = [
        f"{name} differ: {_difference(own, one)}"
        for name, one in (("the faultless year's", other), ("the vendor's", sold))
        if not own.equals(one.astype(own.dtypes.to_dict()))
    ]
    return Shown("prices are the faultless year's, and the vendor's", f"{len(own):,} bars", tuple(broken))


def _facts(own: Disk, other: Disk) -> Shown:
    broken = [
        f"{name} differ: {_difference(own.facts[name], other.facts[name])}"
        for name in own.facts
        if not own.facts[name].equals(other.facts[name])
    ]
    counts = ", ".join(f"{name} {len(table):,}" for name, table in own.facts.items())
    return Shown("so are calendar, listings, gaps and coverage", f"{counts} rows", tuple(broken))


def _forecasts(faulty: Judged, faultless: Judged, pairs: Pairs) -> Shown:
    """Where the same network with the same calibration spoke, and the vendor told the truth."""
    own, other = faulty.disk.ledger, faultless.disk.ledger
    both = own.merge(other, on=["symbol", "target_session"], suffixes=("", "_other"))
    begin, end = (faulty.days[number] for number in faulty.plan.halved)
    lied = (both["as_of"] >= begin) & (both["as_of"] < end)
    same = (both["version"].map(pairs) == both["version_other"]) & ~lied
    judged = both[same]
    quantiles, others = (np.array(judged[name].tolist(), dtype="float64") for name in ("quantiles", "quantiles_other"))
    apart = np.abs(quantiles / others - 1.0).max(axis=1) if len(judged) else np.empty(0)
    off = judged[(apart > _ROUNDING) | (judged["as_of"] != judged["as_of_other"]).to_numpy()]
    broken = [
        f"{one.target_session} {one.symbol} by versions {one.version} and {one.version_other}"
        for one in off.itertuples()
    ]
    if not len(judged):
        broken.append("there is none to compare")
    told = f"{len(judged):,} of {len(both):,} forecasts, {apart.max() if len(apart) else 0:.0e} apart at most"
    return Shown("forecasts are the faultless year's, where the same version spoke", told, tuple(broken))


def _served(faulty: Judged, faultless: Judged, pairs: Pairs) -> Shown:
    """Who spoke on how many sessions; told, and the same until the challenger that was made bad."""
    own, other = (_by_session(one.disk) for one in (faulty, faultless))
    lied = faulty.days[min(faulty.plan.halved[0], faulty.plan.nonsense)]
    shared = list(own.keys() & other.keys())
    broken = [
        f"{day}: another version spoke" for day in sorted(shared) if day <= lied and pairs.get(own[day]) != other[day]
    ]
    alike = sum(pairs.get(own[day]) == other[day] for day in shared)
    names = [
        ", ".join(f"{version} ({count})" for version, count in _versions(one).items()) for one in (faulty, faultless)
    ]
    told = f"the same on {alike} of {len(shared)} sessions; version (sessions): {names[0]}; without faults: {names[1]}"
    return Shown("and so is the champion, until faults touch trainings", told, tuple(broken))


def _bits(own: Disk, other: Disk, pairs: Pairs) -> Shown:
    """Told, and no promise."""
    same = sum(
        own.versions[one].manifest["files"]["model.onnx"] == other.versions[two].manifest["files"]["model.onnx"]
        for one, two in pairs.items()
    )
    return Shown("versions of both years", f"{len(pairs)} are shared, {same} of them to the last bit")


def _by_session(disk: Disk) -> dict[object, str]:
    spoken = disk.ledger.drop_duplicates("target_session")
    return dict(zip(spoken["target_session"], spoken["version"], strict=True))


def _versions(year: Judged) -> dict[str, int]:
    spoken = year.disk.ledger.drop_duplicates("target_session")
    return dict(sorted(Counter(spoken["version"]).items(), key=lambda one: int(one[0])))


def _difference(own: pd.DataFrame, other: pd.DataFrame) -> str:
    if own.shape != other.shape or list(own.columns) != list(other.columns):
        return f"{own.shape} and {other.shape} rows and columns"
    unequal = (own != other) & ~(own.isna() & other.isna())
    rows = np.flatnonzero(unequal.any(axis=1))
    if not len(rows):
        return "types only"
    first = rows[0]
    return f"{len(rows):,} rows, the first {own.iloc[first].to_dict()} and {other.iloc[first].to_dict()}"
