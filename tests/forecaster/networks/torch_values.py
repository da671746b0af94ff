"""Writes `torch_values.json`: what PyTorch's recurrent layers give for fixed weights and windows, in float64.

pip install torch==2.13.0
python -m tests.forecaster.networks.torch_values
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

KINDS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
INPUTS, UNITS, LAYERS, STEPS, WINDOWS = 2, 3, 2, 4, 2


def module(cell: str, *, bidirectional: bool) -> Any:
    return KINDS[cell](INPUTS, UNITS, LAYERS, batch_first=True, bidirectional=bidirectional, dtype=torch.float64)


def outputs(one: Any, x: Any) -> dict[str, Any]:
    """The last layer's sequence `(n, steps, width)` and last states `(n, width)`."""
    with torch.no_grad():
        sequence, states = one(torch.tensor(x, dtype=torch.float64))
    hidden = states[0] if isinstance(states, tuple) else states  # (layers * directions, n, units)
    last = hidden.view(LAYERS, -1, len(x), UNITS)[-1]  # (directions, n, units)
    return {"sequence": sequence.numpy(), "last": last.permute(1, 0, 2).reshape(len(x), -1).numpy()}


def values(cell: str, *, bidirectional: bool) -> dict[str, Any]:
    random = np.random.default_rng(7)
    one = module(cell, bidirectional=bidirectional)
    state = {name: random.normal(0, 0.6, tuple(value.shape)).round(2) for name, value in one.state_dict().items()}
    one.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    x = random.normal(0, 1, (WINDOWS, STEPS, INPUTS)).round(2)
    found = {"x": x, **outputs(one, x)}
    return {
        "torch": torch.__version__.partition("+")[0],
        "cell": cell,
        "bidirectional": bidirectional,
        "state": {name: value.tolist() for name, value in state.items()},
        **{name: value.round(14).tolist() for name, value in found.items()},
    }


if __name__ == "__main__":
    cases = [values(cell, bidirectional=both) for cell in KINDS for both in (False, True)]
    text = "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")
