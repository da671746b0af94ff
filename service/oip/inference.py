"""Windows -> what the network says about them, as an answer's body."""

from __future__ import annotations

import numpy as np

from forecaster.forecast import Float32, Predictor
from service.oip.errors import WrongContents
from service.oip.metadata import DATATYPE, INPUT, OUTPUT
from service.oip.tensors import Question
from service.schemas.models import ModelName
from service.schemas.oip import InferenceAnswer, OutputTensor


def infer(predictor: Predictor, windows: Float32) -> Float32:
    """`(n, horizon, outputs)`, what the network gives.

    Raises:
        WrongContents: no finite numbers came out, because the windows' own were too large.
    """
    outputs = predictor.predict(windows)
    if not np.isfinite(outputs).all():
        raise WrongContents(INPUT, "numbers of about size 1, as scaled inputs are", "some that the network cannot bear")
    return outputs


def packed(asked: Question, outputs: Float32, served: ModelName) -> tuple[bytes, int | None]:
    """An answer's body, and how many bytes of it are JSON; None where all are.

    Args:
        asked: the request.
        outputs: `(n, horizon, outputs)`.
        served: which model they are from.
    """
    tail = outputs.astype("<f4", copy=False).tobytes() if asked.binary else b""
    tensor = OutputTensor(
        name=OUTPUT,
        shape=list(outputs.shape),
        datatype=DATATYPE,
        parameters={"binary_data_size": len(tail)} if asked.binary else None,
        data=None if asked.binary else outputs.ravel().tolist(),
    )
    answer = InferenceAnswer(model_name=served.name, model_version=served.version, id=asked.id, outputs=[tensor])
    head = answer.model_dump_json(exclude_none=True).encode()
    return head + tail, len(head) if asked.binary else None
