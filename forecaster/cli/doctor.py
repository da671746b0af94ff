"""`forecaster doctor`: what is configured, reachable, stale or missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Literal

import click

from data.errors import DataError
from data.sessions import exchange_sessions, sessions_of
from data.symbols import EXCHANGE_OF_SUFFIX
from forecaster.bundle import read_bundle
from forecaster.cli.console import (
    REFUSED,
    json_option,
    price_store,
    print_json,
    registry,
    reports_errors,
    settings,
)
from forecaster.errors import ForecasterError
from forecaster.settings import Settings

Status = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    status: Status
    text: str


@click.command(
    short_help="Say what is missing, stale or broken.",
    epilog="""\b
Examples:
  forecaster doctor
  forecaster doctor --json
""",
)
@json_option
@reports_errors
def doctor(as_json: bool) -> None:
    """Say what is configured, reachable, stale or missing; exit with 3 when there is a problem."""
    where, now = settings(), datetime.now(UTC)
    checks: tuple[Callable[[Settings, datetime], Iterator[Finding]], ...] = (
        _settings,
        _prices,
        _registry,
        _calendars,
        _packages,
    )
    findings = [finding for check in checks for finding in _guarded(check, where, now)]
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        for one in findings:
            click.echo(f"{one.status:8} {one.what:10} {one.text}")
    if any(one.status == "problem" for one in findings):
        raise SystemExit(REFUSED)


def _guarded(
    check: Callable[[Settings, datetime], Iterator[Finding]], where: Settings, now: datetime
) -> Iterator[Finding]:
    """A check that fails is itself a finding, and the others still run."""
    try:
        yield from check(where, now)
    except (DataError, ForecasterError, OSError) as error:
        yield Finding(check.__name__.strip("_"), "problem", str(error))


def _settings(where: Settings, now: datetime) -> Iterator[Finding]:
    yield Finding("home", "ok", str(where.home.absolute()))
    yield Finding("store", "ok", where.store_uri)
    yield Finding("registry", "ok", f"{registry(where).shown_uri}, model {where.model}")


def _prices(where: Settings, now: datetime) -> Iterator[Finding]:
    store = price_store(where)
    held = store.summary()
    text = f"{len(held):,} symbols, {held['sessions'].sum():,} bars, version {store.version()}"
    yield Finding("prices", "ok", f"{text}, {held['first'].min()} to {held['last'].max()}")
    stale, unknown = [], []
    for symbol, last in zip(held["symbol"], held["last"], strict=True):
        try:
            if last < sessions_of(symbol).last_due(now):
                stale.append(symbol)
        except DataError as error:
            unknown.append(str(error))
    if stale:
        few = ", ".join(stale[:5]) + (", …" if len(stale) > 5 else "")
        yield Finding("prices", "note", f"{len(stale)} symbols lack the session that is due by now: {few}")
    for text in unknown[:3]:
        yield Finding("prices", "problem", text)
    aside = store.quarantined()
    if len(aside):
        reasons = ", ".join(f"{count} x {reason}" for reason, count in aside["reason"].value_counts().items())
        yield Finding("prices", "note", f"{len(aside):,} rows are set aside: {reasons}")


def _registry(where: Settings, now: datetime) -> Iterator[Finding]:
    models = registry(where)
    champion = models.by_alias()
    bundle = read_bundle(models.bundle_path(champion))
    yield Finding(
        "champion",
        "ok",
        f"{champion.name} version {champion.version}, trained through {bundle.trained_through}, every file verified",
    )


def _calendars(where: Settings, now: datetime) -> Iterator[Finding]:
    for exchange in sorted({"XNYS", *EXCHANGE_OF_SUFFIX.values()}):
        known = exchange_sessions(exchange)
        left = (known.last - now.date()).days
        status: Status = "ok" if left > 30 else "problem"
        yield Finding("calendar", status, f"{exchange}: trading days known from {known.first} to {known.last}")


def _packages(where: Settings, now: datetime) -> Iterator[Finding]:
    missing = [name for name in ("tensorflow", "keras", "onnx") if find_spec(name) is None]
    if missing:
        yield Finding("training", "note", f"{', '.join(missing)} not installed: this installation serves only")
    else:
        yield Finding("training", "ok", "tensorflow, keras and onnx are installed")
