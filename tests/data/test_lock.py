from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.errors import StoreBusy, StoreFull, StoreUnavailable
from data.lock import WriterLock
from data.store import PriceStore
from tests.data.tables import checked, closes

HOLDER = """
import sys, time
from data.lock import WriterLock

with WriterLock(sys.argv[1]).held():
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def another_process(uri: str, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    """One that holds the lock of `uri`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, uri, str(seconds)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


def test_a_second_process_is_told_who_writes_and_gets_the_lock_when_that_one_is_killed(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    bars = checked(closes([1.0]))
    with another_process(store.uri) as holder:
        with pytest.raises(StoreBusy) as caught:
            store.upsert(bars)
        assert caught.value.uri == store.uri
        assert re.fullmatch(
            rf"process {holder.pid} on {re.escape(socket.gethostname())} since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC",
            caught.value.holder,
        )
        assert caught.value.holder in str(caught.value)
        began = time.monotonic()
        with pytest.raises(StoreBusy), store.writing(wait=0.3):
            pass
        assert time.monotonic() - began >= 0.3
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert store.upsert(bars).inserted == 1


def test_a_second_process_waits_as_long_as_it_was_told_to(tmp_path: Path) -> None:
    with another_process(str(tmp_path), seconds=0.5) as holder, WriterLock(str(tmp_path)).held(wait=30):
        assert holder.wait() == 0


def test_readers_need_no_lock(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    store.upsert(checked(closes([1.0, 2.0])))
    with another_process(store.uri):
        assert store.read().frame["close"].tolist() == [1.0, 2.0]
        assert len(store.tail("AAPL", 1)) == 1


def test_who_holds_it_may_take_it_again(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    with store.writing(), store.writing(), store.writing():
        store.upsert(checked(closes([1.0])))
    # And it is free again after the last, not after the first.
    with store.writing():
        with store.writing():
            pass
        with pytest.raises(StoreBusy), PriceStore(store.uri).writing():
            pass
    with PriceStore(store.uri).writing():
        pass


@pytest.mark.parametrize("spelled", ["{}/prices", "{}/prices/", "{}/../{name}/prices"])
def test_two_objects_of_one_process_exclude_each_other(tmp_path: Path, spelled: str) -> None:
    store = PriceStore(tmp_path / "prices")
    other = PriceStore(spelled.format(tmp_path, name=tmp_path.name))
    with store.writing(), pytest.raises(StoreBusy, match=f"process {os.getpid()} on"):
        other.upsert(checked(closes([1.0])))
    assert other.upsert(checked(closes([1.0]))).inserted == 1


def test_threads_that_share_an_object_take_turns(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    values = range(1, 25)
    with store.writing(), ThreadPoolExecutor(4) as threads:
        # All of them bring the same new rows at once: only in turns does one find what another has written.
        done = list(threads.map(lambda value: store.upsert(checked(closes([float(value)] * 30))), values))
    assert sum(one.inserted for one in done) == 30
    assert sorted(one.version for one in done) == list(range(len(values)))
    assert len(store.read()) == 30
    # It is free when the last of them is done.
    with PriceStore(store.uri).writing():
        pass


def test_who_holds_it_is_counted_right_however_threads_are_switched(tmp_path: Path) -> None:
    lock = WriterLock(str(tmp_path / "prices"))

    def hold(_: int) -> None:
        with lock.held():
            pass

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with lock.held(), ThreadPoolExecutor(8) as threads:
            list(threads.map(hold, range(3000)))
            with pytest.raises(StoreBusy), WriterLock(str(tmp_path / "prices")).held():
                pass
    finally:
        sys.setswitchinterval(before)
    with WriterLock(str(tmp_path / "prices")).held():
        pass


def test_a_thread_may_end_what_another_began(tmp_path: Path) -> None:
    store, other = PriceStore(tmp_path / "prices"), PriceStore(tmp_path / "prices")
    may_end = threading.Event()

    def write() -> int:
        with store.writing():
            assert may_end.wait(20)
            return store.upsert(checked(closes([1.0]))).inserted

    with ThreadPoolExecutor(1) as threads:
        with store.writing():
            running = threads.submit(write)
            while not running.running():
                time.sleep(0.001)
            time.sleep(0.05)
        with pytest.raises(StoreBusy):
            other.upsert(checked(closes([1.0])))
        may_end.set()
        assert running.result() == 1
    assert other.upsert(checked(closes([1.0]))).inserted == 0


def test_every_write_takes_the_lock(tmp_path: Path) -> None:
    store, other = PriceStore(tmp_path / "prices"), PriceStore(tmp_path / "prices")
    gaps, coverage = other.facts.gaps(), other.facts.coverage()
    gaps.loc[0] = ["AAPL", "2024-01-01", "absent"]
    coverage.loc[0] = ["AAPL", "2024-01-01", "2024-01-02", 2]
    with store.writing():
        for write in (
            lambda: other.facts.keep_gaps(gaps.astype({"session": "datetime64[s]"})),
            lambda: other.facts.replace_coverage(coverage),
            lambda: other.facts.replace_universe("all", ["AAPL"]),
        ):
            with pytest.raises(StoreBusy):
                write()
        # The store's own facts share its lock.
        store.facts.replace_universe("all", ["AAPL"])


def test_an_object_store_is_locked_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    uri = "s3://bucket/prices"
    with WriterLock(uri).held():
        with pytest.raises(StoreBusy) as caught, WriterLock(uri).held():
            pass
        assert caught.value.uri == uri
        with WriterLock("s3://bucket/others").held():
            pass
    folders = list(tmp_path.iterdir())
    assert len(folders) == 2
    assert all(folder.name.startswith("stock-forecaster-") for folder in folders)
    assert {file.name for folder in folders for file in folder.iterdir()} == {".writer.lock", ".writer.json"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": 1}', "\0"])
def test_a_holder_that_did_not_sign_is_another_process(tmp_path: Path, text: str) -> None:
    with WriterLock(str(tmp_path)).held():
        (tmp_path / ".writer.json").write_text(text)
        with pytest.raises(StoreBusy, match="written by another process;") as caught, WriterLock(str(tmp_path)).held():
            pass
    assert caught.value.holder == ""


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable) as caught, WriterLock(str(tmp_path / "file" / "prices")).held():
        pass
    assert "Not a directory" in caught.value.reason


def test_no_room_for_the_lock_is_a_full_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StoreFull), WriterLock(str(tmp_path)).held():
        pass


def test_no_room_for_the_signature_is_no_reason_not_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with WriterLock(str(tmp_path)).held(), pytest.raises(StoreBusy), WriterLock(str(tmp_path)).held():
        pass
