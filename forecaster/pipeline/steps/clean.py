"""What nobody needs any more is deleted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from data.upkeep import clean as clean_tables
from forecaster.pipeline.place import Outcome, Place

# What is being written; a process that is killed leaves it behind.
_DRAFTS: Final = (
    "*.draft",
    "registry/*.draft",
    "registry/models/*.draft",
    "decisions/*/*.draft",
    "passes/*/*.draft",
    "schedule/*.draft",
    "jobs/*.draft",
)


def clean(place: Place) -> Outcome:
    """Delete what killed processes left, checkpoints of trainings that nobody went on with, and old records.

    Of prices that were replaced the files go, too; versions that registered models were trained on stay readable. Runs
    of the registry that nothing came of are ended.

    Raises:
        RegistryUnavailable: which versions those are is not known, and nothing of the prices is deleted.
        StoreBusy, StoreUnavailable: the prices cannot be written.
        LedgerUnavailable: the ledger cannot be.
    """
    wanted, home = place.settings.retrain, place.settings.home
    keep = timedelta(days=wanted.keep_days)
    before = place.clock.now() - keep
    trainings = list(_abandoned(home / "training", before))
    drafts = list(_drafts(home, before))
    records = place.passes.forget(wanted.keep_passes)
    files: dict[str, int] = {}
    store = place.store
    runs = [one.run_id for one in place.registry.settle(before)]
    if store.version() is not None:
        kept = sorted(place.registry.data_versions())
        gone = clean_tables(store, keep=keep, keep_versions=kept, wait=wanted.wait)
        files = {name: len(some) for name, some in gone.items() if some}
    if published := place.ledger.clean(keep, wait=wanted.wait):
        files["ledger"] = len(published)
    evidence = {"trainings": trainings, "drafts": drafts, "runs": runs, "records": records, "files": files}
    told = (
        f"deleted: {len(trainings):,} trainings, {len(drafts):,} drafts, {len(records):,} records, "
        f"{sum(files.values()):,} files of tables"
    )
    return Outcome(told + (f"; ended: {len(runs):,} runs that were killed" if runs else ""), evidence)


def _abandoned(folder: Path, before: datetime) -> Iterator[str]:
    """Delete what trainings left that nobody has been at since; gives their names."""
    for one in sorted(folder.glob("*/")):
        state = one / "state"
        if not _older(state if state.exists() else one, before):
            continue
        try:
            with FileLock(one / ".lock", fallback_to_soft=False, timeout=0):
                shutil.rmtree(one)
        except Timeout:  # somebody goes on with it right now
            continue
        yield one.name


def _drafts(home: Path, before: datetime) -> Iterator[str]:
    """Delete drafts that nobody has written to since; gives their names."""
    for one in sorted(found for pattern in _DRAFTS for found in home.glob(pattern)):
        if _older(one, before):
            shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)
            yield one.relative_to(home).as_posix()


def _older(file: Path, than: datetime) -> bool:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC) < than
    except FileNotFoundError:  # it was a draft, and is none any more
        return False
