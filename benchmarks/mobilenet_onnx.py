"""Convert a MobileNet classifier to an ONNX graph, to run it with another runtime."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import numpy as np


def to_onnx(model: "keras.Model") -> bytes:
    """Convert the network after the log-mels, operation by operation.

    Args:
        model: A MobileNet with an AudioSet body. Clips must be one window long.

    Returns:
        A serialised ONNX model from `log_mel` float32 [batch, window, bands] to `probabilities` float32
        [batch, classes].
    """
    from keras import layers

    from training.layers.folding import fold_backbone

    folded = fold_backbone(model)
    graph = _Graph()
    backbone = folded.get_layer("backbone")
    _, height, width, _ = backbone.input_shape
    x = graph.add("Unsqueeze", ["log_mel", graph.constant([1])])
    for layer in backbone.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
            x = graph.convolution(x, layer, (height, width))
            height, width = layer.output.shape[1:3]
        elif isinstance(layer, layers.ReLU):
            x = graph.add("Relu", [x])
    x = _attentive(graph, folded, x) if "frames" in [layer.name for layer in folded.layers] else graph.mean(x, (2, 3))
    x = graph.add("Relu", [graph.dense(x, folded.get_layer("hidden"))])
    graph.add("Softmax", [graph.dense(x, folded.get_layer("emotion"))], "probabilities", axis=-1)
    bands = backbone.input_shape[2]
    return graph.model(("log_mel", ("batch", backbone.input_shape[1], bands)), ("probabilities", ("batch", None)))


def _attentive(graph: "_Graph", model: "keras.Model", maps: str) -> str:
    """Attentive statistics pooling of maps [batch, channels, frames, bands]."""
    pooling = model.get_layer("embedding")
    frames = graph.add("Transpose", [graph.mean(maps, (3,))], perm=[0, 2, 1])
    hidden = graph.add("Tanh", [graph.dense(frames, pooling.hidden)])
    weights = graph.add("Softmax", [graph.dense(hidden, pooling.score)], axis=1)
    centre = graph.sum(graph.add("Mul", [weights, frames]), 1)
    distance = graph.add("Sub", [frames, graph.add("Unsqueeze", [centre, graph.constant([1])])])
    squares = graph.add("Mul", [distance, distance])
    variance = graph.sum(graph.add("Mul", [weights, squares]), 1)
    deviation = graph.add("Sqrt", [graph.add("Max", [variance, graph.constant(1e-6, "float32")])])
    return graph.add("Concat", [centre, deviation], axis=1)


class _Graph:
    """Nodes and constants of an ONNX graph under construction. Names are numbered."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, kind: str, inputs: list[str], name: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        from onnx import helper

        name = name or f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """Add a constant tensor and return its name."""
        import numpy as np
        from onnx import numpy_helper

        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype)), name))
        return name

    def mean(self, x: str, axes: tuple[int, ...]) -> str:
        """The mean over axes, which are removed."""
        return self.add("ReduceMean", [x, self.constant(axes)], keepdims=0)

    def sum(self, x: str, axis: int) -> str:
        """The sum over an axis, which is removed."""
        return self.add("ReduceSum", [x, self.constant([axis])], keepdims=0)

    def dense(self, x: str, layer: "keras.layers.Dense") -> str:
        """A dense layer without its activation."""
        kernel, *bias = layer.get_weights()
        product = self.add("MatMul", [x, self.constant(kernel, "float32")])
        return self.add("Add", [product, self.constant(bias[0], "float32")]) if bias else product

    def convolution(self, x: str, layer: Any, size: tuple[int, int]) -> str:
        """A convolution of maps [batch, channels, height, width] with TensorFlow's `same` padding."""
        kernel, bias = layer.get_weights()
        depthwise = type(layer).__name__ == "DepthwiseConv2D"
        transposed: np.ndarray = kernel.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
        before, after = zip(*(_same(length, layer.kernel_size[0], layer.strides[0]) for length in size), strict=True)
        return self.add(
            "Conv",
            [x, self.constant(transposed, "float32"), self.constant(bias, "float32")],
            strides=list(layer.strides),
            pads=[*before, *after],
            group=kernel.shape[2] if depthwise else 1,
        )

    def model(self, given: tuple[str, Any], answered: tuple[str, Any]) -> bytes:
        """The checked and serialised model."""
        import onnx
        from onnx import TensorProto, helper

        inputs, outputs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in (given, answered)
        )
        graph = helper.make_graph(self._nodes, "mobilenet", inputs, outputs, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        return model.SerializeToString()


def _same(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """The amount of `same` padding before and after."""
    total = max((math.ceil(length / stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2
