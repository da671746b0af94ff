"""What answers beside the service: `python -m benchmarks.serving.rivals bare|predict PORT FOLDER`.

`bare` is FastAPI returning bytes that lie ready, the least that such a service could do. `predict` is what tutorials
build: the Keras model in the process, `model.predict` for every request, the answer as a dictionary.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response


def bare(folder: Path) -> FastAPI:
    """One route; FOLDER/bodies.json holds symbol -> the very bytes that the service answers with."""
    bodies = {symbol: body.encode() for symbol, body in json.loads((folder / "bodies.json").read_text()).items()}
    app = FastAPI()

    @app.get("/v1/forecasts/{symbol}")
    async def forecast(symbol: str) -> Response:
        return Response(bodies[symbol], media_type="application/json")

    return app


def predict(folder: Path) -> FastAPI:
    """One route; FOLDER/model.keras is the service's network, and FOLDER/windows.npy one scaled window a symbol."""
    import keras
    import numpy as np

    from forecaster.networks import layers  # noqa: F401 - registers what the archive is made of

    model = keras.models.load_model(folder / "model.keras", compile=False)
    windows = np.load(folder / "windows.npy")
    names = json.loads((folder / "symbols.json").read_text())
    places = {symbol: place for place, symbol in enumerate(names)}
    app = FastAPI()

    @app.get("/v1/forecasts/{symbol}")
    def forecast(symbol: str) -> dict[str, Any]:
        place = places[symbol]
        output = model.predict(windows[place : place + 1], verbose=0)
        return {"symbol": symbol, "forecast": output[0, 0].tolist()}

    return app


def main() -> None:
    kind, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    app = {"bare": bare, "predict": predict}[kind](folder)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
