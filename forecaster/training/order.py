"""What is random in training, from the seed and the place alone, so that training can go on at any place."""

from __future__ import annotations

from typing import Any

import numpy as np

Positions = np.ndarray[Any, np.dtype[np.int32]]
Seeds = np.ndarray[Any, np.dtype[np.uint32]]


def shuffled(count: int, seed: int, epoch: int) -> Positions:
    """`(count,)` positions in the order of an epoch, which counts from 0."""
    order = np.arange(count, dtype=np.int32)  # half of what int64 takes, and more than any table has rows
    np.random.default_rng((seed, epoch)).shuffle(order)
    return order


def dropout_seeds(seed: int, step: int, shards: int, generators: int) -> Seeds:
    """`(shards, generators, 2)`: where each generator of a network starts for each part of a step's batch."""
    drawn = np.random.SeedSequence((seed, step)).generate_state(shards * generators * 2)
    return drawn.astype(np.uint32).reshape(shards, generators, 2)
