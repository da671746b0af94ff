"""Windows and a spec -> a trained network.

Training runs in a process of its own (the command line's): tensorflow hangs after a fork, and its memory goes with
the process. The same seed on the same machine gives the same weights, also where training was killed and went on.

`loop` is the training as a whole: `batches` cuts windows on the fly, `learner` takes a step on them in tensorflow (with
the layers of `fused` on a CPU, as `device` finds it), `schedule` and `stopping` decide on the rate and the end, `order`
derives all that is random from the seed, `checkpoint` keeps where it stands under the name that `identity` gives,
and `outputs` asks the trained network.
"""

from __future__ import annotations

import os

# tensorflow reads it when it is imported: only errors, and no note on rounding orders.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from forecaster.training.checkpoint import Checkpoint, State
from forecaster.training.device import find_device, one_thread_an_operation
from forecaster.training.identity import training_key
from forecaster.training.loop import Epoch, Trained, Within, train
from forecaster.training.outputs import raw_outputs

one_thread_an_operation()

__all__ = [
    "Checkpoint",
    "Epoch",
    "State",
    "Trained",
    "Within",
    "find_device",
    "raw_outputs",
    "train",
    "training_key",
]
