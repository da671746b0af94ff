from __future__ import annotations

import pytest

from forecaster.diagnostics.wording import p_value, percent, sessions, share


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "p < 0.001"),
        (0.00099, "p < 0.001"),
        (0.001, "p = 0.001"),
        (0.0496, "p = 0.050"),
        (0.68, "p = 0.68"),
        (1.0, "p = 1.00"),
    ],
)
def test_a_p_value_is_never_zero(p: float, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(1e-6, "less than 0.1 %"), (0.0021, "0.2 %"), (0.034, "3.4 %"), (0.34, "34 %"), (2.5, "250 %")],
)
def test_a_share_in_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_one_session_is_singular() -> None:
    assert (sessions(0), sessions(1), sessions(2)) == ("0 sessions", "1 session", "2 sessions")


@pytest.mark.parametrize(("value", "text"), [(0.9, "90 %"), (0.8244, "82.4 %"), (0.0, "0 %"), (1.0, "100 %")])
def test_a_share_of_sessions_to_a_tenth_of_a_percent(value: float, text: str) -> None:
    assert share(value) == text
