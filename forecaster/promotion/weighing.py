"""A challenger is weighed: everything that is known of it is gathered, and what the gate says of that is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from data.errors import TooFewBars, TooFewSessions
from data.store import PriceStore
from forecaster.bundle import Bundle, read_bundle
from forecaster.leakcheck import leakcheck
from forecaster.promotion.decisions import Decided, Decisions
from forecaster.promotion.evidence import Evidence
from forecaster.promotion.gate import decide
from forecaster.promotion.itself import by_itself
from forecaster.promotion.together import together
from forecaster.registry import Registry
from forecaster.settings import Settings
from forecaster.version import Version


def weigh(where: Settings, registry: Registry, challenger: Version, *, by: str, now: datetime) -> Decided:
    """Decide whether a version may succeed the one that serves, and keep the decision with its evidence.

    Args:
        where: the prices, the thresholds, and where decisions are kept.
        registry: of the versions.
        challenger: who wants to serve.
        by: what asks for it: a pass, or a command.
        now: the present, with a time zone.

    Raises:
        RegistryUnavailable: the registry does not answer.
        BundleError: a file of either version is not the one that was written.
        DataError: the prices cannot be read.
        OSError: the decision cannot be kept.
    """
    store = PriceStore(where.store_uri)
    leaks = _leaks(store, read_bundle(registry.bundle_path(challenger)), where.retrain.leakcheck_symbols)
    evidence = weighed(registry, store, challenger, leaks=leaks)
    made = Decided(
        name=challenger.name,
        version=challenger.version,
        run=challenger.run_id,
        at=now,
        by=by,
        evidence=evidence,
        thresholds=where.gate,
        decision=decide(evidence, where.gate),
    )
    Decisions(where.decisions).write(made)
    return made


def weighed(registry: Registry, store: PriceStore, challenger: Version, *, leaks: int | None) -> Evidence:
    """What is known of a version that wants to be the champion.

    Args:
        registry: of the versions.
        store: the prices.
        challenger: who wants to.
        leaks: how many `forecaster leakcheck` found in its spec on these prices; None where it was not run.

    Raises:
        RegistryUnavailable, BundleError, DataError: as `weigh`.
    """
    alone = by_itself(registry, challenger)
    bundle = read_bundle(registry.bundle_path(challenger))
    serving = None if alone.champion is None else read_bundle(registry.bundle_path(registry.get(alone.champion)))
    shown = together(bundle, serving, store)
    return replace(
        alone,
        span=shown.span,
        versus_champion=shown.versus_champion,
        versus_naive=shown.versus_naive,
        coverage=shown.coverage,
        leaks=leaks,
    )


def _leaks(store: PriceStore, bundle: Bundle, symbols: int) -> int | None:
    """How many leaks its spec has on a few long histories; None where those are too short to tell."""
    summary = store.summary()
    learnt = summary[summary["symbol"].isin(bundle.manifest["symbols"])]
    longest = learnt.sort_values(["sessions", "symbol"], ascending=[False, True])["symbol"]
    bars = store.read(sorted(longest.head(symbols)))
    try:
        report = leakcheck(bars, bundle.spec, bundle.train_spec, calendars=store.calendars())
    except (TooFewBars, TooFewSessions):
        return None
    return len(report.leaks)
