"""One step of training: gradients of the parts of a batch, computed side by side, and Adam's update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecaster.networks.build import build_network
from forecaster.networks.losses import loss_of
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.training.device import Device
from forecaster.training.fused import with_fused_layers
from forecaster.training.order import dropout_seeds

Float32 = np.ndarray[Any, np.dtype[np.float32]]
Arrays = list[np.ndarray[Any, Any]]


class Learner:
    """A network in training.

    The parts of a batch have gradients of their own, which are added in a fixed order, and seeds of their own for
    dropout: which core is done first makes no difference.
    """

    def __init__(self, spec: ModelSpec, training: TrainSpec, device: Device) -> None:
        """Draws the first weights from the seed.

        Args:
            spec: the network.
            training: how to train it.
            device: what computes.
        """
        keras.utils.set_random_seed(training.seed)
        tf.config.experimental.enable_op_determinism()
        first = build_network(spec)
        self._network = first if device.kind == "gpu" else with_fused_layers(first)
        self._spec, self._seed = spec, training.seed
        self._shards = device.shards(training.batch)
        self._weights = self._network.trainable_variables
        # Seeds of dropout are all that a network changes by itself; they are set anew for each step.
        self._generators = self._network.non_trainable_variables
        self._optimizer = keras.optimizers.Adam(training.learning_rate, global_clipnorm=training.clip_norm)
        self._optimizer.build(self._weights)
        self._averaging = training.averaging
        self._averages = [tf.Variable(weight.value) for weight in self._weights]
        self._loss = loss_of(spec)
        self._step, self._judgement = self._traced()

    def learn(self, inputs: Float32, targets: Float32, *, step: int, rate: float) -> float:
        """Take a step on a batch; returns the sum of its windows' losses before it.

        Args:
            inputs: `(n, lookback, features)`.
            targets: `(n, horizon, 2)`.
            step: which one it is, from 0, over all epochs.
            rate: the learning rate.
        """
        seeds = dropout_seeds(self._seed, step, self._shards, len(self._generators))
        # The first steps weigh little: an average that began with random weights would be late for ever.
        keep = min(self._averaging, (1 + step) / (10 + step))
        numbers = self._real(inputs), tf.constant(rate), tf.constant(keep)
        return float(self._step(self._split(inputs), self._split(targets), *numbers, tf.constant(seeds)))

    def judge(self, inputs: Float32, targets: Float32) -> float:
        """The sum of the windows' losses with the weights as they are, without dropout."""
        return float(self._judgement(self._split(inputs), self._split(targets), self._real(inputs)))

    @contextmanager
    def averaged(self) -> Iterator[Arrays]:
        """The averaged weights, which the network has inside: those that serve."""
        own = self.weights()
        averages = [np.array(average) for average in self._averages]
        self.set_weights(averages)
        try:
            yield averages
        finally:
            self.set_weights(own)

    def weights(self) -> Arrays:
        """As `get_weights` of any network of the spec gives them."""
        # Copies: tensorflow's own arrays change with the next step.
        return [np.array(weight) for weight in self._network.get_weights()]

    def set_weights(self, values: Sequence[np.ndarray[Any, Any]]) -> None:
        """Take over weights.

        Raises:
            ValueError: they are of another network.
        """
        self._network.set_weights(list(values))

    def begin_with(self, values: Sequence[np.ndarray[Any, Any]]) -> None:
        """Start from weights, instead of those that were drawn.

        Raises:
            ValueError: they are of another network.
        """
        self.set_weights(values)
        for average, weight in zip(self._averages, self._weights, strict=True):
            average.assign(weight.value)

    def memory(self) -> Arrays:
        """What the optimiser remembers, and the averaged weights."""
        return [np.array(variable) for variable in self._remembered]

    def set_memory(self, values: Sequence[np.ndarray[Any, Any]]) -> None:
        """Take over what another learner remembered."""
        for variable, value in zip(self._remembered, values, strict=True):
            variable.assign(value)

    @property
    def _remembered(self) -> list[Any]:
        return [*self._optimizer.variables, *self._averages]

    def network(self, weights: Sequence[np.ndarray[Any, Any]]) -> Any:
        """A `keras.Model` as `build_network` makes it, with these weights."""
        made = build_network(self._spec)
        made.set_weights(list(weights))
        return made

    def _split(self, batch: Float32) -> tuple[Any, ...]:
        # The fused LSTM reads memory that nobody wrote where a part is empty: such a part gets a window that counts
        # for nothing.
        return tuple(tf.constant(part if len(part) else batch[:1]) for part in np.array_split(batch, self._shards))

    def _real(self, batch: Float32) -> Any:
        """`(parts,)`: 1 for a part with windows of its own, 0 for one that only has a filling."""
        return tf.constant([float(place < len(batch)) for place in range(self._shards)], tf.float32)

    def _traced(self) -> tuple[Any, Any]:
        """The two functions of tensorflow that do the work."""
        spec, shards, generators = self._spec, self._shards, self._generators
        inputs = tf.TensorSpec((None, spec.lookback, len(spec.features)), tf.float32)
        targets = tf.TensorSpec((None, spec.horizon, 2), tf.float32)
        number = tf.TensorSpec((), tf.float32)
        reality = tf.TensorSpec((shards,), tf.float32)
        seeds = tf.TensorSpec((shards, len(generators), 2), tf.uint32)

        def gradients(x: Any, y: Any, real: Any, share: Any, own: Any) -> tuple[Any, list[Any]]:
            started = [(state, own[place]) for place, state in enumerate(generators)]
            with keras.StatelessScope(state_mapping=started), tf.GradientTape() as tape:
                loss = real * tf.reduce_sum(self._loss(y, self._network(x, training=True)))
                scaled = share * loss
            return loss, tape.gradient(scaled, [weight.value for weight in self._weights])

        # Parts that touch no state of the network run side by side.
        @tf.function(input_signature=[(inputs,) * shards, (targets,) * shards, reality, number, number, seeds])  # type: ignore[untyped-decorator]
        def step(xs: Any, ys: Any, real: Any, rate: Any, keep: Any, drawn: Any) -> Any:
            counts = [real[place] * tf.cast(tf.shape(x)[0], tf.float32) for place, x in enumerate(xs)]
            share = 1 / tf.add_n(counts)
            parts = [
                gradients(x, y, real[place], share, drawn[place])
                for place, (x, y) in enumerate(zip(xs, ys, strict=True))
            ]
            self._optimizer.learning_rate.assign(rate)
            whole = [tf.add_n(list(same)) for same in zip(*(one[1] for one in parts), strict=True)]
            self._optimizer.apply(whole, self._weights)
            for average, weight in zip(self._averages, self._weights, strict=True):
                average.assign(keep * average + (1 - keep) * weight.value)
            return tf.add_n([one[0] for one in parts])

        @tf.function(input_signature=[(inputs,) * shards, (targets,) * shards, reality])  # type: ignore[untyped-decorator]
        def judgement(xs: Any, ys: Any, real: Any) -> Any:
            outputs = [self._network(x, training=False) for x in xs]
            losses = [tf.reduce_sum(self._loss(y, output)) for y, output in zip(ys, outputs, strict=True)]
            return tf.add_n([real[place] * loss for place, loss in enumerate(losses)])

        return step, judgement
