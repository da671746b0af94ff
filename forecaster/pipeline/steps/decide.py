"""Whether a challenger is to be trained, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from data.errors import TooFewBars
from data.sessions import ExchangeSessions
from forecaster.bundle import Bundle, read_bundle
from forecaster.drift import Drift, drift, to_dict, watched
from forecaster.errors import BundleError
from forecaster.pipeline.place import Outcome, Place
from forecaster.pipeline.record import TAG
from forecaster.version import Version


def decide(place: Place) -> Outcome:
    """Weigh the calendar, the champion's age, and the drift of its inputs and errors.

    A version that an earlier pass has trained and nobody has judged yet is judged before another is trained.

    Raises:
        RegistryError, BundleError: what is registered cannot be told.
        DataError: the prices cannot be read, or are too few.
    """
    record = place.record
    if record.forced:
        return _train(place, ["somebody asked for it"], {})
    versions, champion = place.registry.versions(), place.champion()
    waiting = _unjudged(place, versions)
    if waiting is not None:
        reason = f"version {waiting.version} was trained by the pass {waiting.tags[TAG]} and never judged"
        return _train(place, [reason], {"version": waiting.version})
    if champion is None and not versions:
        return _train(place, ["there is no version yet"], {})
    sessions = place.store.calendars().exchange(record.exchange)
    newest = versions[0]
    known = _data_through(place, newest)
    evidence: dict[str, Any] = {"newest": newest.version, "sessions_since": _between(sessions, known, record.session)}
    reasons = _by_calendar(place, sessions, champion, evidence)
    if champion is not None:
        reasons += _by_drift(place, champion[1], evidence)
    pause = place.settings.retrain.pause_sessions
    since = evidence["sessions_since"]
    if reasons and since < pause:
        told = f"version {newest.version} was trained {since} sessions ago, and {pause} have to pass"
        return Outcome(f"no: {told}, though {'; '.join(reasons)}", {"train": False, "reasons": reasons, **evidence})
    if reasons:
        return _train(place, reasons, evidence)
    return Outcome("no: nothing speaks for it", {"train": False, "reasons": [], **evidence})


def _train(place: Place, reasons: list[str], evidence: dict[str, Any]) -> Outcome:
    start = place.settings.retrain.start if place.champion() is not None else "scratch"
    how = "fine-tuned from the champion" if start == "champion" else "from scratch"
    if "version" in evidence:
        how = "it is judged now"
    return Outcome(f"yes, {how}: {'; '.join(reasons)}", {"train": True, "start": start, "reasons": reasons, **evidence})


def _unjudged(place: Place, versions: list[Version]) -> Version | None:
    """The newest version, where a pass has trained it and no decision is known."""
    if not versions or versions[0].tags.get(TAG, place.record.tag) == place.record.tag:
        return None
    newest = versions[0]
    if newest.aliases or place.decisions.about(newest):
        return None
    try:
        read_bundle(place.registry.bundle_path(newest))
    except BundleError:  # nobody can judge it
        return None
    return newest


def _by_calendar(
    place: Place, sessions: ExchangeSessions, champion: tuple[Version, Bundle] | None, evidence: dict[str, Any]
) -> list[str]:
    wanted, reasons = place.settings.retrain, []
    if champion is None:
        reasons.append("no version serves")
    else:
        learnt = date.fromisoformat(champion[1].trained_through)
        age = _between(sessions, learnt, place.record.session)
        evidence |= {"champion": champion[0].version, "age_sessions": age}
        if age > wanted.max_age_sessions:
            reasons.append(
                f"the champion has learnt nothing of the last {age} sessions, of at most {wanted.max_age_sessions}"
            )
    if evidence["sessions_since"] >= wanted.every_sessions:
        reasons.append(
            f"the last training was {evidence['sessions_since']} sessions ago, of at most {wanted.every_sessions}"
        )
    return reasons


def _by_drift(place: Place, bundle: Bundle, evidence: dict[str, Any]) -> list[str]:
    wanted, store = place.settings.retrain, place.store
    if not wanted.on_drift and not wanted.on_error:
        return []
    model = bundle.model(threads=0)
    stored = set(store.newest()["symbol"])
    bars = store.read([one for one in watched(model) if one in stored], end=place.record.session)
    try:
        found = drift(bundle, bars, place.record.session)
    except TooFewBars as error:  # its own shares have left the store: nothing can be told of them
        evidence["drift"] = f"{error}"
        return []
    evidence["drift"] = to_dict(found)
    return list(_told(found, on_drift=wanted.on_drift, on_error=wanted.on_error))


def _told(found: Drift, *, on_drift: bool, on_error: bool) -> list[str]:
    inputs = [one for one in found.drifted if one != "errors"]
    reasons = [f"inputs have drifted: {', '.join(inputs)}"] if on_drift and inputs else []
    if on_error and "errors" in found.drifted:
        reasons.append("its errors have grown against those of its evidence")
    return reasons


def _data_through(place: Place, version: Version) -> date:
    """The last session of the prices that a version was made from, or at least learnt from where it is damaged."""
    try:
        facts = read_bundle(place.registry.bundle_path(version)).manifest["training"]
    except BundleError:
        return date.fromisoformat(version.tags["trained_through"])
    return date.fromisoformat(facts["held_out_to"])


def _between(sessions: ExchangeSessions, after: date, until: date) -> int:
    """How many sessions there are after one day up to another."""
    if after >= until:
        return 0
    return len(sessions.between(max(after, sessions.first) + timedelta(days=1), until))
