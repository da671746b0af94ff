"""What nobody needs any more is deleted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from data.upkeep import clean as clean_tables
from forecaster.pipeline.place import Outcome, Place


def clean(place: Place) -> Outcome:
    """Delete checkpoints of trainings that nobody went on with, old records, and files of replaced prices.

    The versions of the prices that registered models were trained on stay readable.

    Raises:
        RegistryUnavailable: which versions those are is not known, and nothing of the prices is deleted.
        StoreBusy, StoreUnavailable: the prices cannot be written.
    """
    wanted = place.settings.retrain
    keep = timedelta(days=wanted.keep_days)
    trainings = list(_abandoned(place.settings.home / "training", place.clock.now() - keep))
    records = place.passes.forget(wanted.keep_passes)
    files: dict[str, int] = {}
    store = place.store
    if store.version() is not None:
        kept = sorted(place.registry.data_versions())
        gone = clean_tables(store, keep=keep, keep_versions=kept, wait=wanted.wait)
        files = {name: len(some) for name, some in gone.items() if some}
    evidence = {"trainings": trainings, "records": records, "files": files}
    count = sum(files.values())
    return Outcome(
        f"deleted: {len(trainings):,} trainings, {len(records):,} records, {count:,} files of prices", evidence
    )


def _abandoned(folder: Path, before: datetime) -> Iterator[str]:
    """Delete what trainings left that nobody has been at since; gives their names."""
    for one in sorted(folder.glob("*/state")):
        if datetime.fromtimestamp(one.stat().st_mtime, UTC) >= before:
            continue
        try:
            with FileLock(one.parent / ".lock", fallback_to_soft=False, timeout=0):
                shutil.rmtree(one.parent)
        except Timeout:  # somebody goes on with it right now
            continue
        yield one.parent.name
