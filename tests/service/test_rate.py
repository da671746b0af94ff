from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.auth import Scope, entry_of, new_key
from service.buckets import Buckets, address_of
from tests.service.asking import ask, assert_problem, loaded


def test_a_minutes_worth_at_once_and_then_evenly() -> None:
    buckets = Buckets(60)
    assert [buckets.take("a", 100.0) for _ in range(60)] == [None] * 60
    assert buckets.take("a", 100.0) == pytest.approx(1.0)  # 60 a minute: one a second
    assert buckets.take("a", 100.25) == pytest.approx(0.75)
    assert buckets.take("a", 101.0) is None
    assert buckets.take("a", 101.0) == pytest.approx(1.0)
    assert buckets.take("b", 101.0) is None
    # Full again after a minute, and no fuller after a day.
    assert [buckets.take("a", 86_400.0) for _ in range(61)][59:] == [None, pytest.approx(1.0)]


@pytest.mark.parametrize("per_minute", [1, 7, 90, 100_000])
def test_exactly_as_many_as_were_allowed(per_minute: int) -> None:
    buckets = Buckets(per_minute)
    taken = [buckets.take("a", 12345.678) for _ in range(per_minute + 1)]
    assert taken[:-1] == [None] * per_minute
    assert taken[-1] == pytest.approx(60 / per_minute, abs=1e-4)


def test_the_table_forgets_who_was_seen_the_longest_ago() -> None:
    buckets = Buckets(1, callers=3)
    for caller in "abc":
        assert buckets.take(caller, 0.0) is None
    assert buckets.take("a", 0.0) is not None  # seen now, though refused
    assert buckets.take("d", 0.0) is None
    assert len(buckets) == 3
    assert buckets.take("a", 0.0) is not None
    assert buckets.take("b", 0.0) is None


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (None, ""),
        (("192.0.2.7", 5000), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5000), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5000), "fe80::/64"),
        (("::ffff:192.0.2.7", 5000), "192.0.2.7"),
        (("testclient", 5000), "testclient"),
        (("x:y", 5000), "x:y"),
    ],
)
def test_addresses(client: tuple[str, int] | None, address: str) -> None:
    assert address_of({"client": client}) == address


def test_requests_are_limited_and_probes_are_not(trained_home: Path) -> None:
    key, other = new_key(), new_key()
    keys = f"{entry_of('desk', Scope.READ, key)},{entry_of('lab', Scope.READ, other)}"
    app = loaded(trained_home, rate_per_minute=3, api_keys=keys)

    def statuses(count: int, **headers: Any) -> list[int]:
        return [ask(app, "/v1/symbols", headers=headers).status_code for _ in range(count)]

    assert statuses(4) == [200, 200, 200, 429]
    assert statuses(4, authorization=f"Bearer {key}") == [200, 200, 200, 429]
    assert statuses(1, authorization=f"Bearer {other}") == [200]
    refused = ask(app, "/v1/symbols")
    assert "3 requests a minute" in assert_problem(refused, 429, "too-many-requests")["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    for path in ("/health/live", "/health/ready", "/metrics", "/v2/health/live"):
        assert [ask(app, path).status_code for _ in range(2)] == [200, 200]


def test_no_limit_by_default(app: Any) -> None:
    assert {ask(app, "/v1/symbols").status_code for _ in range(20)} == {200}
