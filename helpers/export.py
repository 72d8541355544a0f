"""A saved network as ONNX, with its preprocessing inside: uint8 images in, probabilities out.

The graph is written from the layers that our networks have, an operator or two each. Keras' own ONNX export
goes through tf2onnx, which Keras has to patch at run time for NumPy 2; this needs only ``onnx``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from helpers.backend import keras
from helpers.cells import CLASS_NAMES, SIDE, InputError
from helpers.scoring import TEMPERATURE, load_network, read_temperature
from helpers.storage import written_atomically

layers = keras.layers

VERSIONS: dict[str, Any] = {"opset_imports": [helper.make_opsetid("", 17)], "ir_version": 8}
"""Those of 2022: every ONNX runtime since then reads the file."""


class _Graph:
    """Nodes and float32 weights of a graph that grows layer by layer; images are channels first inside it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: list[str], *weights: Any, **attributes: Any) -> str:
        """Append a node and return the name of its output; ``weights`` become inputs after the others."""
        output = f"{operator.lower()}_{len(self.nodes)}"
        for weight in weights:
            inputs = [*inputs, f"weight_{len(self.weights)}"]
            self.weights.append(numpy_helper.from_array(np.asarray(weight, dtype=np.float32), inputs[-1]))
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def _add_layer(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    """Append the operators of one Keras layer as it infers; return the name of its output."""
    bias = [layer.bias] if getattr(layer, "use_bias", False) else []
    pool = type(layer).__name__.removesuffix("ing2D")  # MaxPooling2D is ONNX's MaxPool, and so on
    padding = {"same": "SAME_UPPER"}.get(getattr(layer, "padding", ""), "VALID")  # as TensorFlow pads
    window = {"strides": getattr(layer, "strides", None), "auto_pad": padding}
    match layer:
        case layers.Rescaling():
            # one number, or one per channel: both broadcast over (N, 3, H, W)
            scale, offset = (np.reshape(value, (1, -1, 1, 1)) for value in (layer.scale, layer.offset))
            output = graph.add("Add", [graph.add("Mul", inputs, scale)], offset)
        case layers.Conv2D() if layer.groups == 1 and layer.dilation_rate == (1, 1):
            output = graph.add("Conv", inputs, np.transpose(layer.kernel, (3, 2, 0, 1)), *bias, **window)
        case layers.Dense():
            output = graph.add("Gemm", inputs, layer.kernel, *bias)
        case layers.BatchNormalization() if layer.scale and layer.center:
            weights = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
            output = graph.add("BatchNormalization", inputs, *weights, epsilon=layer.epsilon)
        case layers.MaxPooling2D() | layers.AveragePooling2D():
            output = graph.add(pool, inputs, kernel_shape=layer.pool_size, **window)
        case layers.GlobalAveragePooling2D() | layers.GlobalMaxPooling2D() if not layer.keepdims:
            output = graph.add("Flatten", [graph.add(pool, inputs)])
        case layers.Flatten():  # Keras flattens channels last
            output = graph.add("Flatten", [graph.add("Transpose", inputs, perm=[0, 2, 3, 1])])
        case layers.Add():
            output = graph.add("Sum", inputs)
        case layers.Concatenate() if layer.axis == -1:
            output = graph.add("Concat", inputs, axis=1)
        case layers.ReLU() if layer.max_value is None and not layer.negative_slope and not layer.threshold:
            output = graph.add("Relu", inputs)
        case layers.Activation() | layers.Dropout() | layers.InputLayer():
            output = inputs[0]
        case _:
            raise InputError(f"layer {layer.name!r}: this {type(layer).__name__} cannot be exported to ONNX")
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if name not in ("linear", "relu", "tanh", "softmax"):
        raise InputError(f"layer {layer.name!r}: activation {name!r} cannot be exported to ONNX")
    return output if name == "linear" else graph.add(name.capitalize(), [output])


def export_onnx(model_path: Path, path: Path) -> None:
    """Write the network saved at ``model_path`` (.keras) to ``path`` (.onnx); same network, same bytes.

    It maps "image", uint8 (N, 48, 48, 3), to "probabilities", float32 (N, 8), in float32 arithmetic whatever the
    precision of the training. The temperature of `helpers.calibration` goes along, but is not applied.
    InputError where ``model_path`` is no network of ours, or has a layer that is not known here.
    """
    network, graph = load_network(model_path), _Graph()
    last = graph.add("Transpose", [graph.add("Cast", ["image"], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
    names: dict[int, str] = {}
    for layer in network.layers:
        if isinstance(network, keras.Sequential):
            last = _add_layer(graph, layer, [last])
        else:
            before = [names[id(tensor)] for tensor in keras.tree.flatten(layer.input)]  # of an input: none
            last = names[id(layer.output)] = _add_layer(graph, layer, before or [last])
    graph.nodes.append(helper.make_node("Identity", [last], ["probabilities"]))
    value = helper.make_tensor_value_info
    image = value("image", TensorProto.UINT8, ("N", SIDE, SIDE, 3))
    probabilities = value("probabilities", TensorProto.FLOAT, ("N", len(CLASS_NAMES)))
    whole = helper.make_graph(graph.nodes, "cells", [image], [probabilities], graph.weights)
    model = helper.make_model(whole, **VERSIONS)
    temperature = read_temperature(model_path)
    helper.set_model_props(model, {} if temperature is None else {TEMPERATURE: repr(temperature)})
    onnx.checker.check_model(model, full_check=True)
    with written_atomically(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
