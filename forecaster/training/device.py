"""What training runs on.

On a CPU a batch is split over the cores, and each part's gradient is computed by one core on its own: cores that
share every small product of a recurrent network spend more time on waiting for each other than on the product. On a
GPU the batch stays whole, and Keras' recurrent layers use cuDNN.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import tensorflow as tf

# Fewer windows than this on a core cost more in overhead than the core is worth.
_LEAST_SHARE: Final = 32


@dataclass(frozen=True, slots=True)
class Device:
    """What there is to compute on.

    Attributes:
        kind: of processor.
        cores: how many of the CPU's this process may use.
        name: in words.
    """

    kind: Literal["cpu", "gpu"]
    cores: int
    name: str

    def shards(self, batch: int) -> int:
        """Into how many parts a batch is split."""
        return 1 if self.kind == "gpu" else max(1, min(self.cores, batch // _LEAST_SHARE))


def find_device(cores: int | None = None) -> Device:
    """The GPU if tensorflow sees one, else the CPU.

    Args:
        cores: how many of the CPU's to count on; None takes all that this process may use.
    """
    if cores is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        return Device("gpu", cores, f"{details.get('device_name', 'a GPU')}, with cuDNN")
    return Device("cpu", cores, f"the CPU, {cores} core{'s' if cores > 1 else ''}")


def one_thread_an_operation() -> None:
    """Keep cores from sharing single operations. Only the first thing that tensorflow does in a process may be this."""
    with suppress(RuntimeError):  # it has begun: training is slower then, and no different
        tf.config.threading.set_intra_op_parallelism_threads(1)
