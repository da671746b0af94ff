"""`forecaster diagnose --drift`: whether a model still sees, and still does, what it did when it was made."""

from __future__ import annotations

import click

from data.store import PriceStore
from forecaster.bundle import Bundle
from forecaster.cli.console import bars_for, print_json, print_table
from forecaster.diagnostics.drift import Change
from forecaster.diagnostics.wording import p_cell, p_value, sessions
from forecaster.drift import Drift, drift, to_dict, watched
from forecaster.error_drift import Span
from forecaster.version import Version


def show_drift(bundle: Bundle, version: Version, store: PriceStore, *, as_json: bool) -> None:
    """Print the drift of a model's inputs and errors up to the newest stored session.

    Raises:
        DataError: the prices cannot be read, or are too few.
    """
    model = bundle.model(threads=0)
    stored = set(store.newest()["symbol"])
    bars, _ = bars_for(model, [one for one in watched(model) if one in stored], store, None)
    found = drift(bundle, bars, bars.frame["session"].max().date())
    if as_json:
        print_json({"model": {"name": version.name, "version": version.version}, "drift": to_dict(found)})
        return
    _print(f"{version.name} version {version.version}", found)


def _print(title: str, found: Drift) -> None:
    rows = [
        (
            one.feature,
            _number(one.psi),
            _number(one.expected),
            _number(one.threshold),
            "-" if one.p_value is None else p_cell(one.p_value),
            "insufficient data" if one.drifted is None else "drifted" if one.drifted else "",
        )
        for one in found.features
    ]
    print_table(f"{title}, inputs", ("feature", "PSI", "expected", "drifted from", "p", ""), rows)
    click.echo(f"inputs: {_span(found.recent)} against {_span(found.reference)} of training")
    click.echo(_errors(found))
    told = ", ".join(found.drifted)
    click.echo(f"drifted: {told}" if told else "nothing has drifted")


def _errors(found: Drift) -> str:
    errors = found.errors
    if errors is None:
        return "errors: insufficient data, for too few sessions have come since the held-out span"
    parts = [f"errors: {_span(errors.after)} against {_span(errors.before)} of evidence"]
    if errors.ratio is not None:
        parts.append(f"{errors.ratio:.2f} times as large, those of the last close {errors.naive_ratio:.2f} times")
    for name, change in (
        ("by the last close's", errors.versus_naive),
        ("by the interval's width", errors.versus_width),
    ):
        if change is not None:
            parts.append(f"{name} {_change(change)}")
    return "; ".join(parts)


def _change(change: Change) -> str:
    return f"{change.before:.3f} -> {change.after:.3f} ({p_value(change.p_value)})"


def _span(span: Span | None) -> str:
    return "no sessions" if span is None else f"{span.first} to {span.last} ({sessions(span.sessions)})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
