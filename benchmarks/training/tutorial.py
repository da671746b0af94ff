"""The form of the tutorials: an array of all windows, `fit`, batches of 32."""

from __future__ import annotations

import sys

import keras
import numpy as np
from turns import take_turns


def main() -> None:
    count = int(sys.argv[1])
    random = np.random.default_rng(7)
    windows, targets = random.normal(size=(count, 60, 5)).astype("f"), random.normal(size=(count, 1)).astype("f")
    network = keras.Sequential(
        [
            keras.Input((60, 5)),
            keras.layers.LSTM(64, return_sequences=True),
            keras.layers.LSTM(64),
            keras.layers.Dense(1),
        ]
    )
    network.compile(optimizer="adam", loss="mse", jit_compile="auto" if "--xla" in sys.argv else False)
    take_turns(lambda: network.fit(windows, targets, epochs=1, batch_size=32, verbose=0))


if __name__ == "__main__":
    main()
