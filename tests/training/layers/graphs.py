"""Every convolution in a graph of TensorFlow, wherever it lies in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf

from training.layers.convolution import MIN_BFLOAT16_CHANNELS


@dataclass(frozen=True)
class Convolution:
    """A convolution, or a gradient of one.

    Attributes:
        kind: Type of the operation.
        dtype: Of its products.
        channels: Numbers of input and output channels of a group.
        kernel: Shape of its kernel, where it is known.
        strides: In both directions; for the plain convolution.
        padding: `SAME` or `VALID`; for the plain convolution.
    """

    kind: str
    dtype: str
    channels: tuple[int, int]
    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    padding: str = ""

    @property
    def forbidden(self) -> bool:
        return self.dtype == "bfloat16" and min(self.channels) < MIN_BFLOAT16_CHANNELS


def convolutions(function) -> set[Convolution]:
    """All different ones of a concrete function and of the functions that it calls."""
    return {_described(operation) for operation in _operations(function.graph, set()) if "Conv" in operation.type}


def traced(call, *signature):
    return tf.function(call, input_signature=signature).get_concrete_function()


def _operations(graph, seen: set[str]) -> Iterator[tf.Operation]:
    yield from graph.get_operations()
    for name, function in graph._functions.items():
        if name not in seen:
            seen.add(name)
            yield from _operations(function.graph, seen)


def _described(operation: tf.Operation) -> Convolution:
    kind, dtype = operation.type, operation.get_attr("T").name
    if "Depthwise" in kind:
        return Convolution(kind, dtype, (1, 1))
    if kind.endswith("BackpropFilter"):
        return Convolution(kind, dtype, (operation.inputs[0].shape[-1], operation.inputs[2].shape[-1]))
    kernel = tuple(operation.inputs[1].shape)
    if kind != "Conv2D":
        assert kind == "Conv2DBackpropInput", f"{kind} is not known here"
        return Convolution(kind, dtype, kernel[-2:])
    strides = tuple(operation.get_attr("strides")[1:3])
    return Convolution(kind, dtype, kernel[-2:], kernel, strides, operation.get_attr("padding").decode())
