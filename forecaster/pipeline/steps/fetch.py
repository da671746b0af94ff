"""Prices up to the session, from the provider of the settings."""

from __future__ import annotations

from typing import Any, Final

from data.ingest import IngestReport, ingest
from forecaster.pipeline.errors import StepFailed
from forecaster.pipeline.place import Outcome, Place
from forecaster.sources import opened, to_fetch

_NAMED: Final = 50


def fetch(place: Place) -> Outcome:
    """Fetch what is new. What came stays, whatever is missing, and another attempt goes on from there.

    Raises:
        StepFailed: something that was asked for did not come.
        DataError: nothing could be asked, or nothing stored.
    """
    wanted, store = place.settings.retrain, place.store
    if wanted.provider == "none":
        return Outcome("no provider is set: prices come otherwise", skipped=True)
    now = place.clock.now()
    with store.writing(wanted.wait):
        source = opened(
            wanted.provider,
            place.settings,
            path=wanted.path,
            mapping=wanted.columns,
            clock=place.clock,
            on_wait=lambda seconds, why: place.say(f"waiting {seconds:.0f} s: {why}"),
        )
        symbols, everything = to_fetch(source, store, place.settings, name=wanted.universe, day=now.date())
        report = ingest(
            source,
            store,
            now=now,
            symbols=symbols,
            everything=everything,
            end=place.record.session,  # what is later has not closed yet
            planned=lambda plan: place.say(plan.text),
        )
    found = _evidence(report)
    if report.missing or report.failure is not None:
        why = f"{report.failure}" if report.failure is not None else f"{report.missing[0]}"
        raise StepFailed(f"{_text(report)}; something is missing: {why}", found)
    if report.read and not report.symbols:
        raise StepFailed(f"{_text(report)}: no usable row was left", found)
    return Outcome(_text(report), found)


def _text(report: IngestReport) -> str:
    return (
        f"{report.read:,} rows came: {report.inserted:,} new, {report.updated:,} changed, "
        f"{report.quarantined_rows:,} set aside"
    )


def _evidence(report: IngestReport) -> dict[str, Any]:
    return {
        "rows": report.read,
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "quarantined": report.quarantined,
        "symbols": len(report.symbols),
        "calls": report.calls,
        "missing_pieces": len(report.missing),
        "missing": [f"{one}" for one in report.missing[:_NAMED]],
        "notes": report.notes[:_NAMED],
        "data_version": report.version,
    }
