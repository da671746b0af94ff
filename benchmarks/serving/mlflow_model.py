"""The service's network as a model that MLflow's own server answers with; MLflow runs this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc import PythonModel, PythonModelContext

from forecaster.runtime import OnnxPredictor


class Network(PythonModel):  # type: ignore[misc]  # mlflow's types are Any
    """One window or several in, scaled quantiles out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the network once."""
        self.predictor = OnnxPredictor(Path(context.artifacts["network"]).read_bytes())

    def predict(self, context: PythonModelContext, model_input: Any, params: Any = None) -> Any:
        """Scaled quantiles of scaled windows."""
        return self.predictor.predict(np.asarray(model_input, dtype=np.float32))


mlflow.models.set_model(Network())
