"""A saved network as ONNX, with its preprocessing inside: uint8 images in, probabilities out.

The graph is written from the layers of our networks, with one or two operators for each. The ONNX export of Keras
goes through tf2onnx, which Keras has to patch at run time for NumPy 2, while this needs only ``onnx``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, parser

from helpers.errors import InputError
from helpers.files import written_atomically
from helpers.networks import keras
from helpers.saved_models import BACKGROUND, background_text, load_network, read_background

layers = keras.layers

EMPTY = """<ir_version: 8, opset_import: ["": 17]>
cells (uint8[N, 48, 48, 3] image) => (float[N, 8] probabilities) {}"""
"""A model without operators. The versions are those of 2022, so every ONNX runtime since then reads the file."""


def _add(graph: onnx.GraphProto, operator: str, inputs: list[str], *weights: Any, **attributes: Any) -> str:
    """Append a node, return its output's name; ``weights`` become inputs after the others."""
    output = f"{operator.lower()}_{len(graph.node)}"
    for weight in weights:
        inputs = [*inputs, f"weight_{len(graph.initializer)}"]
        graph.initializer.append(numpy_helper.from_array(np.asarray(weight, np.float32), inputs[-1]))
    graph.node.append(helper.make_node(operator, inputs, [output], **attributes))
    return output


def _add_layer(graph: onnx.GraphProto, layer: Any, inputs: list[str]) -> str:
    """Append what a Keras layer does in inference, without its activation; images are channels first in here."""
    padding = {"same": "SAME_UPPER"}.get(getattr(layer, "padding", ""), "VALID")  # as TensorFlow pads
    window = {"strides": getattr(layer, "strides", None), "auto_pad": padding}
    match layer:
        case layers.Rescaling():
            scaled = _add(graph, "Mul", inputs, np.reshape(layer.scale, (1, -1, 1, 1)))
            return _add(graph, "Add", [scaled], np.reshape(layer.offset, (1, -1, 1, 1)))
        case layers.Conv2D() if (layer.groups, layer.dilation_rate) == (1, (1, 1)):
            kernel, *bias = layer.weights
            return _add(graph, "Conv", inputs, np.transpose(kernel, (3, 2, 0, 1)), *bias, **window)
        case layers.Dense():
            return _add(graph, "Gemm", inputs, *layer.weights)
        case layers.BatchNormalization() if (layer.scale, layer.center) == (True, True):
            return _add(graph, "BatchNormalization", inputs, *layer.weights, epsilon=layer.epsilon)
        case layers.GroupNormalization() if (layer.groups, layer.scale, layer.center) == (3, False, False):
            return _add(graph, "InstanceNormalization", inputs, np.ones(3), np.zeros(3), epsilon=layer.epsilon)
        case layers.MaxPooling2D():
            return _add(graph, "MaxPool", inputs, kernel_shape=layer.pool_size, **window)
        case layers.GlobalAveragePooling2D():
            return _add(graph, "Flatten", [_add(graph, "GlobalAveragePool", inputs)])
        case layers.Flatten():  # Keras flattens channels last
            return _add(graph, "Flatten", [_add(graph, "Transpose", inputs, perm=[0, 2, 3, 1])])
        case layers.ReLU() if (layer.max_value, layer.negative_slope, layer.threshold) == (None, 0, 0):
            return _add(graph, "Relu", inputs)
        case layers.Dropout() | layers.InputLayer():
            return inputs[0]
    raise InputError(f"layer {layer.name!r}: this {type(layer).__name__} cannot be exported to ONNX")


def export_onnx(model_path: Path, path: Path) -> None:
    """Write the network saved at ``model_path`` (.keras) to ``path`` (.onnx); same network, same bytes.

    It maps "image", uint8 (N, 48, 48, 3), to "probabilities", float32 (N, 8), in float32 arithmetic whatever the
    precision of the training run. The file keeps the model's `helpers.saved_models.Background`, with a temperature that
    it does not apply. InputError if ``model_path`` is no network of ours or has a layer that is not known here.
    """
    network, model = load_network(model_path), parser.parse_model(EMPTY)
    graph = model.graph
    last = _add(graph, "Transpose", [_add(graph, "Cast", ["image"], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
    for layer in network.layers:  # a chain: what joins branches again is no layer that is known here
        last = _add_layer(graph, layer, [last])
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation not in ("linear", "relu", "tanh", "softmax"):
            raise InputError(f"layer {layer.name!r}: activation {activation!r} cannot be exported to ONNX")
        if activation != "linear":
            last = _add(graph, activation.capitalize(), [last])
    graph.node.append(helper.make_node("Identity", [last], ["probabilities"]))
    background = read_background(model_path)
    helper.set_model_props(model, {} if background is None else {BACKGROUND: background_text(background)})
    onnx.checker.check_model(model, full_check=True)
    with written_atomically(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
