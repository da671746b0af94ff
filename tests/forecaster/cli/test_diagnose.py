from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.forecaster.cli.conftest import Sample
from tests.forecaster.cli.program import Done, at_once

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


@pytest.fixture(scope="module")
def asked(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    return at_once(
        {
            "json": (sample.home, ["diagnose", "--json"]),
            "one": (sample.home, ["diagnose", "IBM", "--version", "2", "--json"]),
            "in words": (sample.home, ["diagnose", "AAPL", "FB"]),
            "unknown": (sample.home, ["diagnose", "FB", "--version", "2", "--json"]),
            "report": (sample.home, ["diagnose", "AAPL", "--report", tmp_path_factory.mktemp("report") / "page.html"]),
        }
    )


@pytest.fixture(scope="module")
def table(sample: Sample) -> pd.DataFrame:
    """The evidence of version 1: the only one that has FB."""
    tables = [pd.read_parquet(file) for file in sample.home.glob("registry/models/*/artifacts/bundle/evidence.parquet")]
    (found,) = (one for one in tables if "FB" in set(one["symbol"]))
    return found


def by_definition(own: pd.DataFrame) -> dict[str, Any]:
    """Every figure from its definition, in NumPy and SciPy."""
    actual, forecast, naive = (own[name].to_numpy() for name in ("actual", "0.5", "previous_close"))
    lower, upper, n = own["0.05"].to_numpy(), own["0.95"].to_numpy(), len(own)
    error, naive_error = forecast - actual, naive - actual
    mae, rmse = np.mean(np.abs(error)), np.sqrt(np.mean(error**2))
    found: dict[str, Any] = {
        "mae": mae,
        "rmse": rmse,
        "mape": np.mean(np.abs(error) / actual),
        "bias": np.mean(error),
        "mase": mae / own["in_sample_mae"].iloc[0],
        "skill_vs_naive": 1 - mae / np.mean(np.abs(naive_error)),
        "theil_u2": rmse / np.sqrt(np.mean(naive_error**2)),
        "directional_accuracy": np.mean((forecast - naive) * (actual - naive) > 0),
    }
    moves, changes = np.diff(forecast), np.diff(actual)
    correlations = [np.corrcoef(moves[k:], changes[: n - 1 - k])[0, 1] for k in range(11)]
    distances = [np.sqrt(np.mean((forecast[k:] - actual[: n - k]) ** 2)) for k in range(11)]
    found |= {
        "correlogram": correlations,
        "best_lag": int(np.argmax(correlations)),
        "correlation": max(correlations),
        "echo": correlations[1],
        "level_lag": int(np.argmin(distances)),
    }
    for names, power in ((("diebold_mariano", "dm_p_value"), 1), (("dm_squared", "dm_squared_p_value"), 2)):
        d = np.abs(error) ** power - np.abs(naive_error) ** power
        statistic = d.mean() / np.sqrt(np.var(d) / n) * np.sqrt((n - 1) / n)  # Harvey, Leybourne & Newbold for h = 1
        found |= dict(zip(names, (statistic, 2 * stats.t.sf(abs(statistic), n - 1)), strict=True))
    up, guessed_up = (actual > naive).mean(), (forecast > naive).mean()
    found |= {"pt_statistic": None, "pt_p_value": None}
    if 0 < up < 1 and 0 < guessed_up < 1:
        # Pesaran & Timmermann (1992), equations 5 and 6.
        p, expected = found["directional_accuracy"], up * guessed_up + (1 - up) * (1 - guessed_up)
        variance_p = expected * (1 - expected) / n
        variance_expected = (
            (2 * up - 1) ** 2 * guessed_up * (1 - guessed_up) / n
            + (2 * guessed_up - 1) ** 2 * up * (1 - up) / n
            + 4 * up * guessed_up * (1 - up) * (1 - guessed_up) / n**2
        )
        statistic = (p - expected) / np.sqrt(variance_p - variance_expected)
        found |= {"pt_statistic": statistic, "pt_p_value": stats.norm.sf(statistic)}
    inside = int(((lower <= actual) & (actual <= upper)).sum())
    share = inside / n
    ratio = -2 * (stats.binom.logpmf(inside, n, 0.9) - stats.binom.logpmf(inside, n, share))
    found |= {"observed": share, "mean_width": np.mean(upper - lower), "kupiec_p_value": stats.chi2.sf(ratio, 1)}
    loss, naive_loss = (pinball(own, prefix) for prefix in ("", "naive "))
    test = stats.ttest_1samp(loss - naive_loss, 0.0)
    # FB has too short a past for naive quantiles on its first sessions.
    known = bool(np.isfinite(naive_loss).all())
    found |= {
        "rmsse": rmse / np.sqrt(own["in_sample_mse"].iloc[0]),
        "r2_out_of_sample": 1 - np.sum((error / naive) ** 2) / np.sum((naive_error / naive) ** 2),
        "pinball": loss.mean(),
        "pinball_skill": 1 - loss.mean() / naive_loss.mean() if known else None,
        "dm_pinball": test.statistic if known else None,
        "dm_pinball_p_value": test.pvalue if known else None,
    }
    return found


def pinball(own: pd.DataFrame, prefix: str) -> Any:
    """Each session's pinball loss, its mean over levels."""
    levels = [0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95]
    error = np.stack([own["actual"] - own[f"{prefix}{level}"] for level in levels])
    return np.maximum(error.T * levels, error.T * (np.array(levels) - 1)).mean(axis=1)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_figure_can_be_recomputed_from_the_evidence(
    asked: dict[str, Done], table: pd.DataFrame, symbol: str
) -> None:
    assert asked["json"].code == 0, asked["json"].err
    own, found = table[table["symbol"] == symbol], asked["json"].json["diagnostics"][symbol]
    expected = by_definition(own)
    figures = {**found["errors"], **found["lag"], **found["significance"], **found["coverage"]}
    correlogram = figures.pop("correlogram")
    assert [point["lag"] for point in correlogram] == list(range(11))
    assert [point["correlation"] for point in correlogram] == pytest.approx(expected.pop("correlogram"), abs=1e-9)
    # These, and the bias, are tested on the same figures in tests/service/test_diagnostics.py.
    others = {"text", "level", "levels", "independence_p_value", "christoffersen_p_value"}
    assert figures.keys() - expected.keys() == others
    for name, value in expected.items():
        assert figures[name] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name
    sample = {"first": f"{own['session'].min():%Y-%m-%d}", "last": f"{own['session'].max():%Y-%m-%d}"}
    assert found["sample"] == {**sample, "sessions": len(own)}


def test_the_verdict_follows_from_the_figures(asked: dict[str, Done]) -> None:
    for found in asked["json"].json["diagnostics"].values():
        significant = found["significance"]["dm_p_value"] < 0.05
        better = found["errors"]["skill_vs_naive"] > 0
        codes = found["verdict"]["codes"]
        assert codes[0] == found["verdict"]["code"]
        assert ("beats_naive" in codes) == (significant and better)
        assert ("no_better_than_naive" in codes) == (not significant)
        assert ("worse_than_naive" in codes) == (significant and not better)
        assert f"Over {found['sample']['sessions']} sessions" in found["verdict"]["text"]


def test_what_many_tests_are_worth_is_told_whatever_is_shown(asked: dict[str, Done], table: pd.DataFrame) -> None:
    found = asked["json"].json["universe"]
    figures = asked["json"].json["diagnostics"]
    beat = [symbol for symbol in SYMBOLS if "beats_naive" in figures[symbol]["verdict"]["codes"]]
    assert (found["judged"], found["tested"], found["beat"]) == (5, 5, beat)
    one_sided = []
    for symbol in SYMBOLS:
        dm, p = (figures[symbol]["significance"][name] for name in ("diebold_mariano", "dm_p_value"))
        one_sided.append(p / 2 if dm < 0 else 1 - p / 2)
    kept = stats.false_discovery_control(one_sided) <= 0.05
    assert found["remaining"] == [symbol for symbol, real in zip(SYMBOLS, kept, strict=True) if real and symbol in beat]

    # IC by definition: the mean over sessions with all five of the correlation across them.
    changes = table.assign(
        p=table["0.5"] / table["previous_close"] - 1, r=table["actual"] / table["previous_close"] - 1
    )
    days = [own for _, own in changes.groupby("origin") if len(own) == 5]
    daily = [stats.pearsonr(own["p"], own["r"]).statistic for own in days]
    ranked = [stats.spearmanr(own["p"], own["r"]).statistic for own in days]
    section = found["cross_section"]
    assert (section["days"], section["symbols"]) == (len(days), 5.0)
    assert section["ic"] == pytest.approx(np.mean(daily), abs=1e-9)
    assert section["rank_ic"] == pytest.approx(np.mean(ranked), abs=1e-9)
    assert section["icir"] == pytest.approx(np.mean(daily) / np.std(daily, ddof=1), abs=1e-9)

    said = " ".join(asked["in words"].out.split())
    assert f"{len(beat)} of 5 symbols beat" in said
    assert f"IC {section['ic']:.3f} (standard error {section['ic_error']:.3f}" in said


def test_the_model_is_named(asked: dict[str, Done]) -> None:
    assert asked["json"].json["model"] == {"name": "next-close", "version": "1", "trained_through": "2012-02-29"}
    assert asked["one"].json["model"]["version"] == "2"
    assert list(asked["one"].json["diagnostics"]) == ["IBM"]


def test_in_words_it_is_a_row_and_a_sentence_a_symbol(asked: dict[str, Done]) -> None:
    done = asked["in words"]
    assert (done.code, done.err) == (0, "")
    assert "next-close version 1" in done.out
    assert "AAPL: Over 250 sessions this model" in done.out
    assert "FB: Over 171 sessions this model" in done.out
    assert "MSFT" not in done.out


def test_a_symbol_that_the_model_was_not_judged_on_is_refused(asked: dict[str, Done]) -> None:
    assert (asked["unknown"].code, asked["unknown"].json["error"]["type"]) == (1, "UnknownSymbol")


def test_a_report_is_one_page_that_loads_nothing(asked: dict[str, Done]) -> None:
    done = asked["report"]
    assert done.code == 0, done.err
    file = Path(done.out.splitlines()[-1].removeprefix("wrote "))
    page = file.read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "AAPL" in page
    assert "<script" not in page.lower()
    assert 'src="http' not in page
