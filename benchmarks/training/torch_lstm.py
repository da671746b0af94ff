"""The same network in PyTorch, on batches that are ready."""

from __future__ import annotations

import os
import sys

import torch
from turns import take_turns

LEVELS = (0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95)
MIDDLE = LEVELS.index(0.5)
BATCH = 256


class Network(torch.nn.Module):
    """Two layers of 64, and the median with distances from it."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(5, 64, 2, batch_first=True)
        self.distances = torch.nn.Linear(64, len(LEVELS))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """`(n, 60, 5)` to `(n, q)`."""
        raw = self.distances(self.lstm(windows)[0][:, -1])
        apart = torch.nn.functional.softplus(raw)
        below = apart[:, :MIDDLE].flip(1).cumsum(1).flip(1)
        above = apart[:, MIDDLE + 1 :].cumsum(1)
        median = raw[:, MIDDLE : MIDDLE + 1]
        return torch.cat([median - below, median, median + above], 1)


def main() -> None:
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    torch.manual_seed(7)
    batches = [(torch.randn(BATCH, 60, 5), torch.randn(BATCH, 2)) for _ in range(int(sys.argv[1]) // BATCH)]
    network, levels = Network(), torch.tensor(LEVELS)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)

    def work() -> None:
        total = 0.0
        for windows, targets in batches:
            optimizer.zero_grad()
            quantiles = network(windows)
            median = quantiles[:, MIDDLE : MIDDLE + 1]
            error = targets[:, :1] - (median.detach() + quantiles - median)
            error = torch.cat([error[:, :MIDDLE], targets[:, 1:] - median, error[:, MIDDLE + 1 :]], 1)
            loss = torch.maximum(levels * error, (levels - 1) * error).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total += loss.item()

    take_turns(work)


if __name__ == "__main__":
    main()
