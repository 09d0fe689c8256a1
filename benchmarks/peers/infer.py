"""anomalib's CFLOW, image by image, in PyTorch and as its OpenVINO export.

On processors with bfloat16 products OpenVINO uses them unless told otherwise: `precision` is "f32" or "bf16" (OpenVINO
alone). Weights are random (nothing is downloaded): speed does not depend on them.
Request {"backbone", "engine": "torch" | "openvino", "precision", "size", "seconds", "threads"} -> {"wall", "cpu"} seconds an image.
"""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from authors_flow import decoder  # noqa: F401  (its fast rotations serve FrEIA in anomalib too)
from serve import measured, serve

LAYERS = ["layer2", "layer3", "layer4"]
OPENVINO = {"PERFORMANCE_HINT": "LATENCY"}


@cache
def model_of(backbone):
    from anomalib.models.image.cflow.torch_model import CflowModel

    torch.manual_seed(0)
    return CflowModel(backbone=backbone, pre_trained=False, layers=LAYERS).eval()


@cache
def openvino_of(backbone, size, threads, precision):
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        image = torch.zeros(1, 3, size, size)
        torch.onnx.export(model_of(backbone), (image,), path, opset_version=17, dynamo=False)
        return openvino.Core().compile_model(
            path, "CPU", {**OPENVINO, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        )


def answer(request):
    backbone, size = request["backbone"], request["size"]
    image = torch.rand(1, 3, size, size)
    if request["engine"] == "torch":
        model = model_of(backbone)

        def step():
            with torch.inference_mode():
                model(image)

    else:
        compiled = openvino_of(backbone, size, request.get("threads", 2), request["precision"])
        array = image.numpy().astype(np.float32)

        def step():
            compiled(array)

    return measured(step, request["seconds"])


serve(answer)
