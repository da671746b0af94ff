"""`forecaster doctor`: what is configured, reachable, stale or missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Final, Literal

import click

from data.errors import CalendarBounds, DataError
from data.health.findings import Kind, summary
from data.health.store_check import check_store
from data.symbols import DEFAULT_EXCHANGE, EXCHANGE_OF_SUFFIX
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
from forecaster.heartbeat import HeartbeatFolder, Liveness
from forecaster.ledger.table import Ledger
from forecaster.migration.artefact import State
from forecaster.migration.survey import survey
from forecaster.settings import Settings

Status = Literal["ok", "note", "problem"]

# A calendar that ends sooner is a problem: there is time left to do something about it.
_DAYS_AHEAD: Final = 30

# Who uses another scheduler, or none, lacks nothing; one that fell silent should be there.
_SCHEDULER: Final[dict[Liveness, Status]] = {
    Liveness.ALIVE: "ok",
    Liveness.LATE: "note",
    Liveness.STOPPED: "note",
    Liveness.NEVER: "note",
    Liveness.DEAD: "problem",
    Liveness.UNREADABLE: "problem",
}

# What cannot be read of these is a finding of their own checks.
_READ_ELSEWHERE: Final = ("prices", "ledger")


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
        _runs,
        _schemas,
        _ledger,
        _schedule,
        _calendars,
        _tushare,
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
    findings = check_store(store, now=now)
    for kind, counts in summary(findings).items():
        first = next(one for one in findings if one.kind == kind)
        # Stale prices are how a store looks that nobody updates, such as the sample's; that alone breaks nothing.
        status: Status = "problem" if counts.problems and kind != Kind.STALE else "note"
        yield Finding("prices", status, f"{kind} in {counts.symbols:,} symbols, such as {first.symbol}: {first.text}")
    if findings:
        yield Finding("prices", "note", "forecaster fetch --check lists them all")
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


def _runs(where: Settings, now: datetime) -> Iterator[Finding]:
    for one in registry(where).unended():
        if one.version is not None:
            text = f"it has made version {one.version}, and the next training ends it"
        else:
            text = "it is at work, or was killed: the same training goes on with it"
        yield Finding("run", "note", f"{one.run_id} began at {one.began:%Y-%m-%d %H:%M} UTC and has not ended; {text}")


def _schemas(where: Settings, now: datetime) -> Iterator[Finding]:
    for one in survey(where, price_store(where), name=where.model):
        text = f"{one.kind} {one.name} has schema {one.schema}, this version writes {one.supported}"
        if one.state is State.OLDER:
            yield Finding("schema", "note", f"{text}: forecaster migrate")
        elif one.state is State.NEWER:
            yield Finding("schema", "problem", f"{text}; {one.text}")
        elif one.state is State.UNREADABLE and one.kind not in _READ_ELSEWHERE:
            yield Finding("schema", "problem", f"{one.kind} {one.name}: {one.text}")


def _ledger(where: Settings, now: datetime) -> Iterator[Finding]:
    ledger = Ledger(where.ledger_uri)
    held = ledger.summary()
    if held.empty:
        yield Finding("ledger", "note", f"no forecasts published in {ledger.uri} yet: forecaster publish")
        return
    for one in held.itertuples():
        text = (
            f"{one.name}: {one.forecasts:,} forecasts of {one.symbols:,} symbols, published since {one.since:%Y-%m-%d}"
        )
        yield Finding("ledger", "ok", f"{text}, the newest for {one.through:%Y-%m-%d}")
    if (newest := held["newest"].max()) > now:
        text = f"the newest forecast was published at {newest:%Y-%m-%d %H:%M} UTC, which is still to come"
        yield Finding("ledger", "problem", f"{text}: is the clock right?")
    if not ledger.is_append_only():
        text = (
            f"somebody took delta.appendOnly from {ledger.uri}, so that other programs may rewrite what was published"
        )
        yield Finding("ledger", "problem", text)


def _schedule(where: Settings, now: datetime) -> Iterator[Finding]:
    seen = HeartbeatFolder(where.home).look(where.model, now)
    beat, status = seen.heartbeat, _SCHEDULER[seen.liveness]
    if beat is not None and seen.liveness is Liveness.ALIVE and (beat.failures or beat.problem):
        status = "problem"
    yield Finding("schedule", status, seen.where)


def _calendars(where: Settings, now: datetime) -> Iterator[Finding]:
    calendars = price_store(where).calendars()
    for exchange in sorted({DEFAULT_EXCHANGE, *EXCHANGE_OF_SUFFIX.values()}):
        known = calendars.exchange(exchange)
        text = f"{exchange}: trading days known from {known.first} to {known.last}"
        if (known.last - now.date()).days > _DAYS_AHEAD:
            yield Finding("calendar", "ok", text)
        else:
            yield Finding("calendar", "problem", f"{text}; {CalendarBounds.remedy}")
        if others := calendars.disagreements(exchange):
            few = ", ".join(map(str, others[-3:]))
            yield Finding(
                "calendar",
                "note",
                f"{exchange}: known days on which the provider's trade calendar disagrees: {len(others)}, the latest "
                f"{few}; exchange_calendars counts",
            )


def _tushare(where: Settings, now: datetime) -> Iterator[Finding]:
    account = where.tushare_account
    if not account.token:
        yield Finding("tushare", "note", "no token: fetch asks Tushare Pro with TUSHARE_TOKEN or TUSHARE_TOKEN_FILE")
        return
    per_day = f" and {account.per_day:,} a day" if account.per_day else ""
    text = f"token set, at most {account.per_minute:,} calls a minute{per_day}"
    if find_spec("tushare") is None:
        yield Finding(
            "tushare", "problem", f"{text}; the package is not installed: pip install 'stock-forecaster[tushare]'"
        )
    elif account.url is None or not account.url.startswith("https://"):
        yield Finding("tushare", "note", f"{text}; the address is not HTTPS, so the token travels in the clear")
    else:
        yield Finding("tushare", "ok", text)


def _packages(where: Settings, now: datetime) -> Iterator[Finding]:
    missing = [name for name in ("tensorflow", "keras", "onnx") if find_spec(name) is None]
    if missing:
        yield Finding("training", "note", f"{', '.join(missing)} not installed: this installation serves only")
    else:
        yield Finding("training", "ok", "tensorflow, keras and onnx are installed")
