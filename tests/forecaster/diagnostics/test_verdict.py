from __future__ import annotations

import pytest

from forecaster.diagnostics.errors import Errors
from forecaster.diagnostics.lag import Lag
from forecaster.diagnostics.significance import Significance
from forecaster.diagnostics.verdict import VerdictCode, lag_text, too_few, verdict


def wrong(skill: float | None, mae: float = 1.0) -> Errors:
    return Errors(mae, 1.3, 0.01, 0.0, None, skill, None, 0.5)


def late(best: int | None, correlation: float | None, echo: float | None) -> Lag:
    return Lag(best, correlation, echo, best, ())


def figures(dm: float | None, p: float | None) -> Significance:
    return Significance(dm, p, None, None, None, None)


ECHO, FRESH = late(1, 0.97, 0.97), late(0, 0.6, 0.1)


def test_too_few_sessions_come_before_any_figure() -> None:
    found = verdict(59, wrong(0.9), FRESH, figures(-9.0, 1e-9))
    assert found == too_few(59)
    assert found.code is VerdictCode.INSUFFICIENT_DATA
    assert found.text == "insufficient data: 59 sessions, at least 60 are needed"


def test_significantly_better_beats_even_as_an_echo() -> None:
    found = verdict(60, wrong(0.034), ECHO, figures(-2.6, 0.012))
    assert found.code is VerdictCode.BEATS_NAIVE
    assert found.text == (
        "Over 60 sessions this model beats yesterday's close: its error is 3.4 % smaller than that of simply "
        "repeating yesterday's close (p = 0.012)."
    )


def test_significantly_worse_and_an_echo() -> None:
    found = verdict(250, wrong(-0.34), ECHO, figures(8.0, 1e-12))
    assert found.code is VerdictCode.ECHOES_YESTERDAY
    assert found.text == (
        "Over 250 sessions this model echoes yesterday's price (its changes follow the close's by 1 session, "
        "correlation 0.97) and its error is 34 % larger than that of simply repeating yesterday's close "
        "(p < 0.001)."
    )


def test_a_smoothed_past_is_an_echo_too() -> None:
    found = verdict(250, wrong(-0.34), late(2, 0.65, 0.62), figures(8.0, 1e-12))
    assert found.code is VerdictCode.ECHOES_YESTERDAY
    assert "its changes follow the close's by 1 session, correlation 0.62" in found.text


@pytest.mark.parametrize("lag", [FRESH, late(1, 0.49, 0.49), late(None, None, None)])
def test_significantly_worse_without_an_echo(lag: Lag) -> None:
    found = verdict(250, wrong(-0.34), lag, figures(8.0, 0.0004))
    assert found.code is VerdictCode.WORSE_THAN_NAIVE
    assert found.text == (
        "Over 250 sessions this model is worse than yesterday's close: its error is 34 % larger than that of "
        "simply repeating yesterday's close (p < 0.001)."
    )


def test_a_forecast_that_runs_late_without_an_echo_is_told_so() -> None:
    found = verdict(250, wrong(-0.34), late(3, 0.3, 0.2), figures(8.0, 0.0004))
    assert found.code is VerdictCode.WORSE_THAN_NAIVE
    assert found.text.endswith("It runs late: it is nearest to the close 3 sessions before the one that it is for.")


def test_worse_than_a_close_that_was_never_wrong() -> None:
    found = verdict(250, wrong(None), FRESH, figures(8.0, 0.0004))
    assert "its error is larger than that of simply repeating yesterday's close" in found.text


@pytest.mark.parametrize("dm", [-0.41, 0.41])
def test_no_significant_difference(dm: float) -> None:
    found = verdict(250, wrong(0.002), FRESH, figures(dm, 0.68))
    assert found.code is VerdictCode.NO_BETTER_THAN_NAIVE
    assert found.text == "Over 250 sessions this model did not beat yesterday's close (p = 0.68)."


def test_no_significant_difference_and_an_echo() -> None:
    found = verdict(250, wrong(0.002), ECHO, figures(-0.41, 0.68))
    assert found.code is VerdictCode.NO_BETTER_THAN_NAIVE
    assert found.text == (
        "Over 250 sessions this model did not beat yesterday's close (p = 0.68). "
        "Its forecast is an echo of yesterday's price (lag 1, correlation 0.97)."
    )


@pytest.mark.parametrize("errors", [wrong(0.0), wrong(None, mae=0.0)])
def test_an_identical_error_is_called_that(errors: Errors) -> None:
    found = verdict(250, errors, late(1, 1.0, 1.0), figures(None, None))
    assert found.code is VerdictCode.NO_BETTER_THAN_NAIVE
    assert found.text == (
        "Over 250 sessions this model did not beat yesterday's close: in every session its error equals that "
        "of repeating it. Its forecast is an echo of yesterday's price (lag 1, correlation 1.00)."
    )


@pytest.mark.parametrize("errors", [wrong(-0.1), wrong(None), wrong(1.0, mae=0.0)])
def test_a_constant_difference_is_not_called_identical(errors: Errors) -> None:
    found = verdict(250, errors, FRESH, figures(None, None))
    assert found.code is VerdictCode.NO_BETTER_THAN_NAIVE
    assert "differ by the same amount in every session" in found.text


@pytest.mark.parametrize(
    ("lag", "text"),
    [
        (
            ECHO,
            "An echo of yesterday: the forecast's changes follow the close's by 1 session (correlation 0.97).",
        ),
        (FRESH, "No delay: the forecast's changes move with the close's (correlation 0.60)."),
        (
            late(3, 0.8, 0.2),
            "An echo of earlier prices: the forecast's changes follow the close's by 3 sessions (correlation 0.80).",
        ),
        (
            late(4, 0.21, 0.1),
            "No clear relation between the forecast's changes and the close's: the highest correlation is "
            "0.21, at a lag of 4 sessions.",
        ),
        (late(None, None, None), "No delay can be measured: the forecast or the close does not vary."),
    ],
)
def test_the_lag_in_words(lag: Lag, text: str) -> None:
    assert lag_text(lag) == text
