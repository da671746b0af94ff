"""The Open Inference Protocol's messages. Members that are not described here are allowed and mean nothing."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.schemas.base import Answer

Parameters = dict[str, bool | int | float | str]

# Longer names are no names; what a client sends is sent back.
_Id = Annotated[str, Field(max_length=256)]

MODEL_METADATA: Final[dict[str, Any]] = {
    "name": "next-close",
    "versions": ["3"],
    "platform": "onnx_onnxv1",
    "inputs": [
        {
            "name": "window",
            "datatype": "FP32",
            "shape": [-1, 20, 2],
            "parameters": {"features": "close,volume", "scaling": "window"},
        }
    ],
    "outputs": [
        {
            "name": "quantiles",
            "datatype": "FP32",
            "shape": [-1, 1, 3],
            "parameters": {"levels": "0.05,0.5,0.95", "target": "change", "unit": "volatility"},
        }
    ],
    "parameters": {"trained_through": "2025-10-31"},
}

# A network that looks back over two sessions and two features, to be short.
REQUEST: Final[dict[str, Any]] = {
    "id": "first",
    "inputs": [{"name": "window", "shape": [1, 2, 2], "datatype": "FP32", "data": [0.0, 0.31, 1.0, 0.7]}],
}
RESPONSE: Final[dict[str, Any]] = {
    "model_name": "next-close",
    "model_version": "3",
    "id": "first",
    "outputs": [{"name": "quantiles", "shape": [1, 1, 3], "datatype": "FP32", "data": [-1.625, 0.0625, 1.6875]}],
}


class Failure(Answer):
    """Why there is no answer, as the protocol says it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"error": "unknown model 'x': this service has y"}]})

    error: str = Field(description="What went wrong, and what to do about it.")


class ServerLive(Answer):
    """The process answers."""

    live: bool


class ServerReady(Answer):
    """It can be asked."""

    ready: bool


class ModelReady(Answer):
    """The model can be asked."""

    name: str
    ready: bool


class ServerMetadata(Answer):
    """Who answers."""

    name: str
    version: str = Field(description="Of this program.")
    extensions: list[str] = Field(description="What it speaks beyond the protocol's core.")


class TensorMetadata(Answer):
    """An input or an output."""

    name: str
    datatype: str
    shape: list[int] = Field(description="-1 stands for any number of windows.")
    parameters: dict[str, str] = Field(description="What its numbers are; lists are separated by commas.")


class ModelMetadata(Answer):
    """The network that serves: what it takes and what it gives."""

    model_config = ConfigDict(json_schema_extra={"examples": [MODEL_METADATA]})

    name: str
    versions: list[str] = Field(description="The one that serves; no other can be asked.")
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, str] = Field(description="`trained_through`: the last session that training has seen.")


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _only(value: str) -> dict[str, Any]:
    """Told, and not checked here: `service.oip.tensors` says more about what is wrong."""
    return {"enum": [value]}


def _whole(value: Any) -> Any:
    """JSON does not tell 5.0 from 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class InputTensor(_Message):
    """A tensor that is sent."""

    name: str = Field(json_schema_extra=_only("window"))
    shape: Annotated[list[Annotated[int, BeforeValidator(_whole)]], Field(max_length=8)] = Field(
        description="Windows, sessions and features, as the model's metadata says.",
        json_schema_extra={"minItems": 3, "maxItems": 3, "items": {"type": "integer", "minimum": 1}},
    )
    datatype: str = Field(json_schema_extra=_only("FP32"))
    parameters: Parameters = Field(
        default_factory=dict, description="`binary_data_size`: bytes of it behind the JSON, in place of `data`."
    )
    data: list[Any] | None = Field(
        default=None,
        description="Its numbers, in row-major order, flat or nested.",
        json_schema_extra={"items": {"type": ["number", "array"]}},
    )


class RequestedOutput(_Message):
    """A tensor that is wanted."""

    name: str = Field(json_schema_extra=_only("quantiles"))
    parameters: Parameters = Field(default_factory=dict, description="`binary_data`: true for bytes behind the JSON.")


class InferenceRequest(_Message):
    """Windows for the network."""

    id: _Id | None = Field(default=None, description="What the answer is to be called.")
    parameters: Parameters = Field(default_factory=dict, description="`binary_data_output`: true for bytes.")
    inputs: Annotated[list[InputTensor], Field(min_length=1, max_length=1)] = Field(description="The one input.")
    outputs: Annotated[list[RequestedOutput], Field(max_length=1)] = Field(
        default_factory=list, description="The one output, which is answered where none is named, too."
    )


class OutputTensor(Answer):
    """A tensor that is answered."""

    name: str
    shape: list[int] = Field(description="Windows, sessions ahead and quantiles.")
    datatype: str
    parameters: dict[str, int] | None = Field(default=None, description="`binary_data_size`, where it is bytes.")
    data: list[float] | None = Field(default=None, description="Its numbers, flat in row-major order.")


class InferenceAnswer(Answer):
    """What the network says about windows: scaled quantiles as it gives them, before they are calibrated and priced."""

    model_config = ConfigDict(json_schema_extra={"examples": [RESPONSE]})

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]
