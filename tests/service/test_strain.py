"""What `benchmarks/strain.py` measures, small, and what it would say of a service that is not as it should be."""

from __future__ import annotations

import platform
import socket
import threading
from pathlib import Path

import pytest

from benchmarks.serving.changes import changes_under_load, next_bars
from benchmarks.serving.ends import kill_worker, sigterm
from benchmarks.serving.finding import Finding
from benchmarks.serving.load import request
from benchmarks.serving.reloads import reload_often
from benchmarks.serving.seen import Change, Seen
from benchmarks.serving.servers import resident_mib
from benchmarks.strain import gets_of, second_version, served
from data.store import PriceStore
from service.auth import new_key
from service.ending import keep_out
from service.memory import give_back

BOTH = [request("/v1/forecasts/AAPL"), request("/v1/forecasts/MSFT")]


def assert_met(found: list[Finding]) -> None:
    assert found
    assert [one.line() for one in found if one.met is False] == []


def test_promotions_and_new_prices_under_load_and_the_end(home: Path) -> None:
    second_version(home)
    key = new_key()
    with served(home, key=key) as server:
        found = changes_under_load(home, server, key, gets_of(server), promotions=2, updates=1)
        assert_met(found)
        pairs = next(one.value for one in found if one.what.startswith("pairs"))
        assert pairs == 4
        assert_met(sigterm(server, BOTH, "1 worker", kept=True, loaded=0.5))


def test_a_worker_that_dies_takes_only_its_own_requests_with_it_and_the_end_none(trained_home: Path) -> None:
    with served(trained_home, "--workers", "2") as server:
        assert_met(kill_worker(server, BOTH, loaded=0.5))
        assert_met(sigterm(server, BOTH, "2 workers", kept=False, loaded=0.5))


def test_reloads_make_everything_anew(home: Path) -> None:
    second_version(home)
    told = reload_often(home, 4)
    assert told["rebuilt"] == 4
    assert 0 < told["warm"] <= told["highest"]


def test_the_next_bars_are_those_of_the_next_session(home: Path) -> None:
    store = PriceStore(home / "prices")
    before = store.read().frame
    for session in ("2013-03-04", "2013-03-05"):  # a Monday and a Tuesday on which New York traded
        bars = next_bars(store)
        assert sorted(bars.frame["symbol"]) == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
        assert {str(one.date()) for one in bars.frame["session"]} == {session}
        store.upsert(bars)
    assert len(store.read().frame) == len(before) + 10


def test_who_is_kept_out_is_refused_in_the_end_and_who_stands_in_line_is_not() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as in_line:
        in_line.sendall(b"before")
        keep_out([listening])
        late = threading.Timer(0.2, listening.close)
        accepted, _ = listening.accept()
        late.start()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)
        assert accepted.recv(6) == b"before"
        accepted.close()
    late.join()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can")
def test_what_was_freed_goes_back() -> None:
    blocks = [bytes(1000) for _ in range(200_000)]
    kept = blocks[::1000]  # the system cannot have what lies below the last of them unless it is asked for
    full = resident_mib("self")
    del blocks
    give_back()
    assert full - resident_mib("self") > 100  # of 191 MiB
    assert len(kept) == 200


def answer_of(version: int, data: int, text: str = "") -> tuple[bytes, bytes]:
    body = f'{{"model":{{"version":"{version}"}},"text":"{text}"}}'.encode()
    head = f'http/1.1 200 ok\r\ncontent-length: {len(body)}\r\netag: "{version}.{data}.{hash(body) % 97}"\r\n\r\n'
    return head.encode(), body


def test_what_cannot_be_is_seen() -> None:
    seen = Seen()
    seen.take(0, b"a", 0.0, 0.1, *answer_of(1, 0))
    assert not seen.faults
    head, body = answer_of(1, 0)
    seen.take(0, b"a", 0.1, 0.2, head, body[:-1])
    seen.take(0, b"a", 0.1, 0.2, head, body.replace(b"text", b"hext"))
    seen.take(0, b"b", 0.1, 0.2, head, body.replace(b'"1"', b'"2"'))
    assert dict(seen.faults) == {
        "not whole": 1,
        "one validator, two contents": 1,
        "names another version than its validator": 1,
    }


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ([(0.5, 0.6, (1, 0)), (1.5, 1.6, (2, 0)), (3.5, 3.6, (1, 0))], 0),
        ([(1.1, 1.2, (1, 0))], 0),  # while it changed
        ([(2.1, 2.2, (1, 0))], 1),  # the old one, asked for after the new one was in effect
        ([(0.5, 0.9, (2, 0))], 1),  # before it was ordered
        ([(1.2, 1.3, (2, 0)), (1.4, 1.5, (1, 0))], 1),  # forth and back
        ([(0.5, 0.6, (1, 7))], 1),  # prices that were never served
    ],
)
def test_what_is_out_of_order_is_counted(answers: list[tuple[float, float, tuple[int, int]]], wrong: int) -> None:
    changes = [Change(0.0, 0.0, (1, 0)), Change(1.0, 2.0, (2, 0)), Change(3.0, 4.0, (1, 0))]
    assert Seen(answers={0: answers}).out_of_order(changes) == wrong
