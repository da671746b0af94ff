from __future__ import annotations

import asyncio
import threading

import pytest

from service.logs import request_id
from service.refusals import TookTooLong, TooMuchWork
from service.working import Workbench


def test_results_and_errors_come_back() -> None:
    async def go() -> None:
        bench = Workbench(1, 5)
        assert await bench.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await bench.run(divmod, 7, 0)
        with pytest.raises(TimeoutError, match="its own"):
            await bench.run(_raise, TimeoutError("its own"))
        bench.close()

    asyncio.run(go())


def _raise(error: Exception) -> None:
    raise error


def test_so_many_run_so_many_wait_and_the_rest_is_refused() -> None:
    go_on, running, most = threading.Event(), threading.Semaphore(0), []
    now = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal now
        with lock:
            now += 1
            most.append(now)
        running.release()
        assert go_on.wait(10)
        with lock:
            now -= 1

    async def go() -> None:
        bench = Workbench(2, 10)
        tasks = [asyncio.create_task(bench.run(work)) for _ in range(2 + 2 * 16)]
        while running._value < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(TooMuchWork):
            await bench.run(work)
        go_on.set()
        await asyncio.gather(*tasks)
        await bench.run(work)  # there is room again
        bench.close()

    asyncio.run(go())
    assert max(most) == 2
    assert len(most) == 35


def test_what_takes_too_long_is_given_up_and_its_place_is_taken_until_it_ends() -> None:
    go_on = threading.Event()

    async def go() -> None:
        bench = Workbench(1, 0.1)
        with pytest.raises(TookTooLong, match=r"within 0\.1 s"):
            await bench.run(go_on.wait, 10)
        with pytest.raises(TookTooLong):  # it waits for the place
            await bench.run(int)
        go_on.set()
        await asyncio.sleep(0.1)
        assert await bench.run(int) == 0
        bench.close()

    asyncio.run(go())


def test_threads_know_whose_request_it_is() -> None:
    async def go() -> str:
        bench = Workbench(1, 5)
        token = request_id.set("mine")
        try:
            return await bench.run(request_id.get)
        finally:
            request_id.reset(token)
            bench.close()

    assert asyncio.run(go()) == "mine"
