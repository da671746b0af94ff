"""Who does the tasks: processes of this machine or a Dask cluster through joblib's backends, or a Ray cluster.

Ray's own backend for joblib is a pool of fixed size: it may put all of it on one node, and waits for ever when a node
that had a part of it is lost. Ray's tasks do neither.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib.util import find_spec
from typing import Any, Final, Literal, Protocol

from forecaster.backtest.errors import EngineUnavailable
from forecaster.errors import TrainingUnavailable

Engine = Literal["local", "dask", "ray"]
Call = tuple[Callable[..., Any], tuple[Any, ...]]
# How many calls can be done at a time. It is asked anew each time: nodes of a cluster come and go.
Found = Callable[[], int]


class Do(Protocol):
    """What does calls."""

    def __call__(self, calls: Sequence[Call], done: Callable[[Any], None] = ...) -> None:
        """Do all of them; `done` is given what each returns, as they end."""


_PACKAGES: Final = {"dask": "distributed", "ray": "ray"}


@contextmanager
def opened(engine: Engine, jobs: int | None = None, address: str | None = None) -> Iterator[Do]:
    """What does calls, `jobs` at a time, and returns when all of them are done.

    A call that is done by another process is imported there: it must be a function of a module. Where a process dies,
    the calls raise whatever the engine raises then, and may be made again.

    Args:
        engine: `local` starts processes afresh (tensorflow hangs after a fork); the others start a cluster on this
            machine where no address is given.
        jobs: how many at a time; None for one a core, of this machine or of the cluster.
        address: of a cluster's scheduler.

    Raises:
        EngineUnavailable: it is not installed, or does not answer.
        TrainingUnavailable: joblib is not installed.
    """
    if find_spec("joblib") is None:
        raise TrainingUnavailable("joblib")
    package = _PACKAGES.get(engine)
    if package is not None and find_spec(package) is None:
        raise EngineUnavailable(engine, f"pip install 'stock-forecaster[{engine}]'")
    with ExitStack() as stack:
        if engine == "ray":
            yield stack.enter_context(_ray(jobs, address))
            return
        at_once = jobs or cores()
        found = stack.enter_context(_dask(at_once, address) if engine == "dask" else _local(at_once))
        yield lambda calls, done=_nothing: _do(engine, min(jobs or found(), found()), calls, done)


def cores() -> int:
    """How many cores of this machine there are for this process."""
    from joblib import cpu_count

    return int(cpu_count())


def _nothing(result: Any) -> None:
    """For who finds what came of a call elsewhere."""


def _do(engine: Engine, jobs: int, calls: Sequence[Call], done: Callable[[Any], None]) -> None:
    from joblib import Parallel, delayed, parallel_config

    settings: dict[str, Any] = {"backend": {"local": "loky"}.get(engine, engine), "n_jobs": jobs}
    if engine == "local":
        settings["inner_max_num_threads"] = 1  # clusters see to it by themselves
    with parallel_config(**settings):
        # One call at a time: joblib would pack small ones together, and several would go with a process that dies.
        several = Parallel(batch_size=1, pre_dispatch="all", return_as="generator_unordered")
        for result in several(delayed(function)(*given) for function, given in calls):
            done(result)


@contextmanager
def _local(jobs: int) -> Iterator[Found]:
    """Processes that joblib starts at the first call, and would keep for a while after the last."""
    from joblib.externals.loky import get_reusable_executor

    try:
        yield lambda: jobs
    finally:
        if jobs > 1:
            get_reusable_executor(max_workers=jobs, reuse=True).shutdown(wait=True, kill_workers=True)


@contextmanager
def _dask(jobs: int, address: str | None) -> Iterator[Found]:
    import distributed

    dask: Any = distributed  # half typed
    with ExitStack() as stack:
        try:
            if address is None:
                cluster = dask.LocalCluster(
                    n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
                )
                stack.callback(cluster.close)
            client = dask.Client(cluster if address is None else address)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineUnavailable("dask", f"{address or 'a local cluster'}: {error}") from error
        stack.callback(client.close)
        yield lambda: sum(client.nthreads().values()) or jobs


@contextmanager
def _ray(jobs: int | None, address: str | None) -> Iterator[Do]:
    # Read when ray is imported: nothing is sent to its vendor.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    cluster: Any = ray  # half typed
    # "local": without an address Ray would look for any cluster that was ever started on this machine.
    own = {"address": "local", "num_cpus": jobs or cores(), "include_dashboard": False}
    where = own if address is None else {"address": address}
    try:
        cluster.init(**where, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineUnavailable("ray", f"{address or 'a local cluster'}: {error}") from error
    try:
        # It prints on standard output, whatever it is told, that a node is lost.
        with redirect_stdout(sys.stderr):
            yield lambda calls, done=_nothing: _do_on_ray(cluster, jobs or len(calls), calls, done)
    finally:
        cluster.shutdown()


def _do_on_ray(cluster: Any, jobs: int, calls: Sequence[Call], done: Callable[[Any], None]) -> None:
    # One core each. Whoever asked does again what died: Ray knows of no call that ends every process it is given to.
    how = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
    remote = {function: cluster.remote(**how)(function) for function, _ in calls}
    waiting, running = list(reversed(calls)), list[Any]()
    failure: Exception | None = None
    while waiting or running:
        while waiting and len(running) < jobs:
            function, given = waiting.pop()
            running.append(remote[function].remote(*given))
        (ended,), running = cluster.wait(running)
        try:
            result = cluster.get(ended)
        except Exception as error:  # of a process or a node that died; the others go on
            failure = failure or error
        else:
            done(result)
    if failure is not None:
        raise failure
