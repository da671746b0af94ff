"""Who does the tasks: processes of this machine, a Dask cluster or a Ray cluster, through joblib's backends."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any, Final, Literal

from forecaster.backtest.errors import EngineUnavailable
from forecaster.errors import TrainingUnavailable

Engine = Literal["local", "dask", "ray"]
Call = tuple[Callable[..., None], tuple[Any, ...]]
Do = Callable[[Sequence[Call]], None]

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
        if engine == "dask":
            found = stack.enter_context(_dask(jobs or cores(), address))
        elif engine == "ray":
            found = stack.enter_context(_ray(jobs or cores(), address))
        else:
            found = stack.enter_context(_local(jobs or cores()))
        at_once = min(jobs, found) if jobs else found
        yield lambda calls: _do(engine, at_once, calls)


def cores() -> int:
    """How many cores of this machine there are for this process."""
    from joblib import cpu_count

    return int(cpu_count())


def _do(engine: Engine, jobs: int, calls: Sequence[Call]) -> None:
    from joblib import Parallel, delayed, parallel_config

    settings: dict[str, Any] = {"backend": {"local": "loky"}.get(engine, engine), "n_jobs": jobs}
    if engine == "local":
        settings["inner_max_num_threads"] = 1  # clusters see to it by themselves
    with parallel_config(**settings):
        # One call at a time: joblib would pack small ones together, and several would go with a process that dies.
        Parallel(batch_size=1, pre_dispatch="all")(delayed(function)(*given) for function, given in calls)


@contextmanager
def _local(jobs: int) -> Iterator[int]:
    """Processes that joblib starts at the first call, and would keep for a while after the last."""
    from joblib.externals.loky import get_reusable_executor

    try:
        yield jobs
    finally:
        if jobs > 1:
            get_reusable_executor(max_workers=jobs, reuse=True).shutdown(wait=True, kill_workers=True)


@contextmanager
def _dask(jobs: int, address: str | None) -> Iterator[int]:
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
        yield sum(client.nthreads().values()) or jobs


@contextmanager
def _ray(jobs: int, address: str | None) -> Iterator[int]:
    # Read when ray is imported: nothing is sent to its vendor.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.util import joblib

    cluster: Any = ray  # half typed
    backend: Any = joblib
    # "local": without an address Ray would look for any cluster that was ever started on this machine.
    own = {"address": "local", "num_cpus": jobs, "include_dashboard": False}
    where = own if address is None else {"address": address}
    try:
        cluster.init(**where, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineUnavailable("ray", f"{address or 'a local cluster'}: {error}") from error
    try:
        backend.register_ray()
        yield int(cluster.cluster_resources().get("CPU", jobs))
    finally:
        cluster.shutdown()
