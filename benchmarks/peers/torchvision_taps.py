"""Writes state dicts of torchvision encoders with random weights, in both of PyTorch's formats, and the values of their
taps with zero and with reflect padding.

    pip install -r requirements-fixtures.txt
    python torchvision_taps.py OUT_DIR [NAME ...]       (default: resnet18)
    CFLOW_TORCHVISION_TAPS=OUT_DIR npx vitest run --project encoders torchvision

Per model: NAME_zip.pth, NAME_legacy.pth (the same tensors) and NAME_taps.pth, a dictionary of float32 tensors: `image`
[1, 3, S, S] (normalised) and `zeros.<tap>`, `reflect.<tap>`.
"""

import sys
from pathlib import Path

import torch
import torchvision
from torch import nn

TAPS = ["layer2", "layer3", "layer4"]
SIZE = 96


def randomise(model):
    """Weights and running statistics that no two channels share."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)


def taps_of(model, image):
    seen = {}
    hooks = [
        getattr(model, tap).register_forward_hook(lambda _m, _i, out, tap=tap: seen.__setitem__(tap, out.clone()))
        for tap in TAPS
    ]
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return seen


def main(out, names):
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        torch.manual_seed(0)
        model = getattr(torchvision.models, name)(weights=None).eval()
        randomise(model)
        torch.save(model.state_dict(), out / f"{name}_zip.pth")
        torch.save(model.state_dict(), out / f"{name}_legacy.pth", _use_new_zipfile_serialization=False)
        image = torch.randn(1, 3, SIZE, SIZE)
        tensors = {"image": image}
        for padding in ["zeros", "reflect"]:
            for module in model.modules():
                if isinstance(module, nn.Conv2d):
                    module.padding_mode = padding
                    if padding == "reflect":  # what the constructor would have made
                        pad = module.padding[0]
                        module._reversed_padding_repeated_twice = [pad] * 4
            for tap, value in taps_of(model, image).items():
                tensors[f"{padding}.{tap}"] = value.contiguous()
        torch.save(tensors, out / f"{name}_taps.pth")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["resnet18"])
