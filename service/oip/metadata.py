"""What the network takes and gives, in the protocol's words. Parameters are plain values there, so lists are joined."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from forecaster.spec import ModelSpec
from service.schemas.models import ModelName
from service.schemas.oip import ModelMetadata, ServerMetadata, TensorMetadata

INPUT: Final = "window"
OUTPUT: Final = "quantiles"
DATATYPE: Final = "FP32"
PLATFORM: Final = "onnx_onnxv1"
EXTENSIONS: Final = ("binary_tensor_data",)

_DISTRIBUTION: Final = "stock-forecaster"


def window_shape(spec: ModelSpec) -> tuple[int, int]:
    """Of one window: sessions and features."""
    return spec.lookback, len(spec.features)


def output_shape(spec: ModelSpec) -> tuple[int, int]:
    """Of one window's outputs: sessions ahead, and one number for each quantile, or a single one for a price level."""
    return spec.horizon, len(spec.quantiles) if spec.target == "change" else 1


def server_metadata() -> ServerMetadata:
    """Who answers."""
    return ServerMetadata(name=_DISTRIBUTION, version=version(_DISTRIBUTION), extensions=list(EXTENSIONS))


def model_metadata(spec: ModelSpec, served: ModelName) -> ModelMetadata:
    """A version's inputs and outputs.

    Args:
        spec: what the model is.
        served: which it is.
    """
    levels = spec.quantiles if spec.target == "change" else ()
    return ModelMetadata(
        name=served.name,
        versions=[served.version],
        platform=PLATFORM,
        inputs=[
            TensorMetadata(
                name=INPUT,
                datatype=DATATYPE,
                shape=[-1, *window_shape(spec)],
                parameters={"features": ",".join(spec.features), "scaling": spec.scaling},
            )
        ],
        outputs=[
            TensorMetadata(
                name=OUTPUT,
                datatype=DATATYPE,
                shape=[-1, *output_shape(spec)],
                parameters={"levels": ",".join(map(repr, levels)), "target": spec.target, "unit": spec.unit},
            )
        ],
        parameters={"trained_through": str(served.trained_through)},
    )
