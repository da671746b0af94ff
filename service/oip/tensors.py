"""A request's JSON and the bytes behind it -> checked windows. Nothing unchecked reaches ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Annotated, Any, Final

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from data.errors import shown
from forecaster.forecast import Float32
from forecaster.spec import ModelSpec
from service.oip.errors import NotARequest, TooManyWindows, WrongContents, WrongTensor
from service.oip.metadata import DATATYPE, INPUT, OUTPUT, window_shape
from service.schemas.oip import InferenceRequest, InputTensor

# Strict: true is no number, and neither is "1.5".
_NUMBERS: Final = TypeAdapter(list[Annotated[float, Field(strict=True, allow_inf_nan=False)]])

_BYTES_EACH: Final = 4
_SIZE: Final = "binary_data_size"

# Extensions that would change what is answered; what is asked by them must not be overlooked.
_NOT_SPOKEN: Final = ("shared_memory_region", "classification")


@dataclass(frozen=True, slots=True)
class Question:
    """A checked request.

    Attributes:
        id: what the client calls it; None where it has no name.
        windows: `(n, lookback, features) float32`, finite, n at least 1.
        binary: whether the answer's tensor goes out as bytes.
    """

    id: str | None
    windows: Float32
    binary: bool


def question(head: bytes, tail: bytes, spec: ModelSpec, most: int) -> Question:
    """A request, checked against what the network takes.

    Args:
        head: its JSON.
        tail: the bytes of its tensors behind that.
        spec: the network.
        most: windows that may be asked for at a time.

    Raises:
        NotARequest: it is not what the protocol describes.
        WrongTensor: its tensors are not those of the network.
        WrongContents: their numbers cannot be used.
        TooManyWindows: there are more.
    """
    try:
        asked = InferenceRequest.model_validate_json(head, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        found = f"{first['msg']}, at {shown(where)}" if where else first["msg"]
        raise NotARequest("JSON with the protocol's members", found[:160]) from None
    return Question(asked.id, _windows(asked.inputs[0], tail, spec, most), _binary_output(asked))


def _binary_output(asked: InferenceRequest) -> bool:
    """Whether the one output is wanted as bytes: said of itself, or of all outputs."""
    binary = asked.parameters.get("binary_data_output") is True
    for output in asked.outputs:
        if output.name != OUTPUT:
            raise WrongTensor(output.name, f"the output {OUTPUT}", "another name")
        _refuse_extensions(output.name, output.parameters)
        binary = output.parameters.get("binary_data", binary) is True
    return binary


def _windows(tensor: InputTensor, tail: bytes, spec: ModelSpec, most: int) -> Float32:
    if tensor.name != INPUT:
        raise WrongTensor(tensor.name, f"the input {INPUT}", "another name")
    _refuse_extensions(tensor.name, tensor.parameters)
    if tensor.datatype != DATATYPE:
        raise WrongTensor(INPUT, f"the datatype {DATATYPE}", shown(tensor.datatype))
    lookback, features = window_shape(spec)
    shape = tuple(tensor.shape)
    if len(shape) != 3 or shape[1:] != (lookback, features) or shape[0] < 1:
        expected = f"the shape [n, {lookback}, {features}] with n from 1 on"
        raise WrongTensor(INPUT, expected, shown(list(shape)))
    if shape[0] > most:
        raise TooManyWindows(shape[0], most)
    found = _from_json(tensor, tail, shape) if tensor.data is not None else _from_bytes(tensor, tail, shape)
    finite = np.isfinite(found)
    if not finite.all():
        first = [int(one) for one in np.argwhere(~finite)[0]]
        raise WrongContents(INPUT, f"finite numbers of {DATATYPE}", f"one that is not, at {first}")
    return found


def _refuse_extensions(name: str, parameters: dict[str, Any]) -> None:
    for one in _NOT_SPOKEN:
        if one in parameters:
            raise WrongContents(name, "none of the protocol's extensions but binary data", one)


def _from_bytes(tensor: InputTensor, tail: bytes, shape: tuple[int, ...]) -> Float32:
    """The numbers behind the JSON, little-endian and in row-major order."""
    needed, told = prod(shape) * _BYTES_EACH, tensor.parameters.get(_SIZE)
    if isinstance(told, bool) or not isinstance(told, int):
        raise WrongContents(INPUT, f"data, or {_SIZE} among its parameters", "neither")
    if told != needed or len(tail) != needed:
        expected = f"{needed} bytes for its shape, in {_SIZE} and behind the JSON"
        raise WrongContents(INPUT, expected, f"{shown(told)} and {len(tail)}")
    return np.frombuffer(tail, dtype="<f4").reshape(shape)


def _from_json(tensor: InputTensor, tail: bytes, shape: tuple[int, ...]) -> Float32:
    """The numbers of `data`, flat in row-major order or nested as the shape says."""
    if tail or _SIZE in tensor.parameters:
        raise WrongContents(INPUT, "data or binary data", "both")
    flat = tensor.data or []
    if flat and isinstance(flat[0], list):
        flat = _flattened(flat, shape)
    if len(flat) != prod(shape):
        raise WrongContents(INPUT, f"{prod(shape)} numbers for its shape", f"{len(flat)}")
    try:
        values = _NUMBERS.validate_python(flat)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise WrongContents(INPUT, "finite numbers", f"{first['msg']}, at number {first['loc'][0]}"[:160]) from None
    with np.errstate(over="ignore"):  # what is too large for the datatype becomes infinite, and is refused as such
        return np.array(values, dtype=np.float32).reshape(shape)


def _flattened(rows: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Nested lists as one, after all of them were found to be as long as the shape says."""
    if len(rows) != shape[0]:
        raise WrongContents(INPUT, f"data of {shape[0]} windows, as its shape says", f"{len(rows)}")
    for length in shape[1:]:
        if not all(isinstance(row, list) and len(row) == length for row in rows):
            raise WrongContents(INPUT, f"data nested as its shape {list(shape)} says", "lists of other lengths")
        rows = list(chain.from_iterable(rows))
    return rows
