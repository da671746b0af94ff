"""LSTM layers whose whole sequence is one operation of tensorflow's CPU, forwards and backwards.

Keras runs an LSTM on a CPU as a loop of a dozen small operations a step, which take longer to begin than to do. The
weights are the layer's own, so that a network is trained with these layers and saved with Keras' own.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from forecaster.networks.cells import LSTMVariant


def with_fused_layers(network: Any) -> Any:
    """The same network with fused layers where there are some, and the same weights.

    There are none for simple RNN and GRU, for coupled gates, and where training drops a part of the state.
    """
    made = keras.models.clone_model(network, clone_function=_fused)
    made.set_weights(network.get_weights())
    return made


def _fused(layer: Any) -> Any:
    if isinstance(layer, keras.layers.Bidirectional):
        return keras.layers.Bidirectional(_fused(layer.forward_layer), name=layer.name)
    kind = type(layer)
    if kind is keras.layers.LSTM and not layer.recurrent_dropout:
        kind = FusedLSTM
    elif kind is LSTMVariant and not layer.cell.coupled and not layer.cell.recurrent_dropout:
        kind = FusedPeepholeLSTM
    return kind.from_config(layer.get_config())


@keras.saving.register_keras_serializable(package="forecaster.training")
class FusedLSTM(keras.layers.LSTM):  # type: ignore[misc]  # keras ships no types
    """Keras' LSTM without recurrent dropout."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """`(n, steps, d)` to the last output, the sequence and the states, as Keras asks its layers for them."""
        return _sequence(self, sequences, peephole=None)


@keras.saving.register_keras_serializable(package="forecaster.training")
class FusedPeepholeLSTM(LSTMVariant):
    """An LSTM with peepholes and without recurrent dropout."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """`(n, steps, d)` to what `keras.layers.RNN` returns."""
        last, outputs, states = _sequence(self, sequences, peephole=self.cell.peephole_kernel)
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output


def _sequence(layer: Any, sequences: Any, peephole: Any) -> tuple[Any, Any, list[Any]]:
    """The operation has the steps first, and its gates in the order input, candidate, forget, output.

    Its second version has Keras' order of gates, and is of no use: tensorflow 2.21 takes its gradients in the first's.
    """
    cell = layer.cell
    steps = ops.transpose(sequences, (1, 0, 2))  # (steps, n, d)
    if layer.go_backwards:
        steps = ops.flip(steps, axis=0)
    nothing = tf.zeros((tf.shape(sequences)[0], cell.units))
    gates = tf.zeros((3, cell.units)) if peephole is None else ops.convert_to_tensor(peephole)
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(steps, out_type=tf.int64)[0],
        x=steps,
        cs_prev=nothing,
        h_prev=nothing,
        w=_ordered(ops.concatenate([cell.kernel, cell.recurrent_kernel], axis=0)),
        wci=gates[0],
        wcf=gates[1],
        wco=gates[2],
        b=_ordered(ops.convert_to_tensor(cell.bias)),
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=peephole is not None,
    )
    return found.h[-1], ops.transpose(found.h, (1, 0, 2)), [found.h[-1], found.cs[-1]]


def _ordered(weight: Any) -> Any:
    first, forget, candidate, output = ops.split(weight, 4, axis=-1)
    return ops.concatenate([first, candidate, forget, output], axis=-1)
