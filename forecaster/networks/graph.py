"""ONNX graphs, node by node: the only file that imports the `onnx` package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Read by every ONNX Runtime since 1.14; a runtime refuses newer IR versions than its own.
OPSET: Final = 17
IR_VERSION: Final = 8

Shapes = Mapping[str, Sequence[int | str]]


class Graph:
    """Nodes and constants as they are added. Names are the values' own, so each is given once."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        """A value that is known beforehand; returns its name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node with one output, whose name it returns."""
        self.add_many(kind, inputs, [output], name=output, **attributes)
        return output

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], *, name: str, **attributes: Any
    ) -> None:
        """A node with any number of outputs."""
        self._nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))

    def body(self, name: str, inputs: Shapes, outputs: Shapes) -> Any:
        """The graph so far, as the attribute `body` of a node such as Scan takes it."""
        return helper.make_graph(self._nodes, name, _infos(inputs), _infos(outputs), self._constants)

    def serialised(self, inputs: Shapes, outputs: Shapes) -> bytes:
        """The graph as a checked model.

        Args:
            inputs, outputs: name -> shape, all float32; text stands for an extent that is free.
        """
        model = helper.make_model(
            self.body("next_close", inputs, outputs),
            producer_name="stock-forecaster",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content


def _infos(shapes: Shapes) -> list[Any]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in shapes.items()]
