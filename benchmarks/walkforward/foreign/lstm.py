"""neuralforecast's LSTM with its quantile loss: one network for all symbols, trained at the refit.

It learns the next log return from the window's returns and from the prices and the volume of its bars, which is what
a window of bars holds; the scaler of the package (its default) brings each window to one scale. Every forecast is asked
for with a window that ends at its origin, so that nothing later is within reach. Crossing quantiles are put in order.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd

from . import exchange

PAST = ["open", "high", "low", "volume"]
# Windows to forecast from in one call: each call of the package costs seconds, and each window memory.
AT_ONCE = 5000

Array = np.ndarray[Any, np.dtype[np.float64]]


def columns(own: pd.DataFrame) -> pd.DataFrame:
    """The first bar has no return and drops out: row i is bar i + 1.

    Returns:
        y: ln c(t)/c(t-1) in percent; open, high, low: ln of each by c(t-1) in percent; volume: ln(1 + volume).
    """
    before = own["close"].to_numpy(dtype="float64")[:-1]
    later = own.iloc[1:]
    made = {name: 100 * np.log(later[name].to_numpy(dtype="float64") / before) for name in ("close", *PAST[:3])}
    made["y"] = made.pop("close")
    return pd.DataFrame({**made, "volume": np.log1p(later["volume"].to_numpy(dtype="float64"))})


def main() -> None:
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        from neuralforecast import NeuralForecast  # type: ignore[import-not-found,import-untyped,unused-ignore]
        from neuralforecast.losses.pytorch import MQLoss  # type: ignore[import-not-found,import-untyped,unused-ignore]
        from neuralforecast.models import LSTM  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        exchange.missing(error.name or "neuralforecast")
    asked = exchange.request()
    sizes, window = asked.settings, int(asked.settings["input_size"])
    several = [
        (symbol, columns(own), own["session"].to_numpy(), at, known) for symbol, own, at, known in asked.symbols()
    ]
    network = LSTM(
        h=1,
        input_size=window,
        encoder_n_layers=sizes["layers"],
        encoder_hidden_size=sizes["units"],
        decoder_hidden_size=sizes["units"],
        hist_exog_list=PAST,
        loss=MQLoss(quantiles=asked.levels),
        max_steps=sizes["steps"],
        learning_rate=sizes["learning_rate"],
        windows_batch_size=sizes["windows_a_step"],
        num_lr_decays=3,
        random_seed=asked.seed,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    learnt = [series(symbol, made.iloc[: known - 1]) for symbol, made, _, _, known in several if known - 1 > window]
    exchange.say(f"training {sizes['steps']} steps on {len(learnt)} symbols")
    forecaster = NeuralForecast(models=[network], freq=1)
    forecaster.fit(pd.concat(learnt, ignore_index=True))

    exchange.say("forecasting")
    windows, pieces = [], []
    for symbol, made, session, at, _ in several:
        at = at[at >= window]
        # A window of returns that ends at bar `place` ends at row `place - 1`.
        windows += [made.iloc[place - window : place] for place in at]
        close = asked.bars.loc[asked.bars["symbol"] == symbol, "close"].to_numpy(dtype="float64")[at]
        pieces.append(pd.DataFrame({"symbol": symbol, "origin": session[at], "close": close}))
    origins = pd.concat(pieces, ignore_index=True)
    returns = np.concatenate(
        [
            quantiles(forecaster, windows[start : start + AT_ONCE], asked.levels)
            for start in range(0, len(windows), AT_ONCE)
        ]
    )
    prices = origins.pop("close").to_numpy()[:, None] * np.exp(returns)
    for position, level in enumerate(asked.levels):
        origins[f"{level:.12g}"] = prices[:, position]
    asked.answer(origins, {"networks": 1})


def quantiles(forecaster: Any, windows: list[pd.DataFrame], levels: list[float]) -> Array:
    """`(n, q)` log returns after each of `n` windows, ascending.

    Each window is handed over as a series of its own. The package names the columns, in the order in which its loss was
    given the levels.
    """
    asked = pd.concat([series(f"{number:06d}", one) for number, one in enumerate(windows)], ignore_index=True)
    answer = forecaster.predict(df=asked).sort_values("unique_id")
    named = [name for name in answer.columns if name not in ("unique_id", "ds")]
    if len(named) != len(levels):
        raise ValueError(f"expected {len(levels)} quantiles of the package, got the columns {named}")
    return np.asarray(np.sort(answer[named].to_numpy(dtype="float64"), axis=1) / 100)


def series(name: str, made: pd.DataFrame) -> pd.DataFrame:
    """The table form of the package; its sessions are counted, so that a day without a bar is no gap."""
    return made.assign(unique_id=name, ds=np.arange(len(made)))


if __name__ == "__main__":
    main()
