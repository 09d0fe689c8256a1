"""Writes a whole detector as the authors' code would hold it, an image, and the likelihoods it gives.

    pip install -r requirements-fixtures.txt
    python authors_detector.py OUT_DIR
    CFLOW_AUTHORS_DETECTOR=OUT_DIR npx vitest run --project trainer authors-detector

checkpoint.pt: ResNet-18 with random weights and three FrEIA flows of eight coupling layers, away from their initial
values. expected.pth: `image` float32 [S, S, 3] of whole numbers in 0..255 and `l0`, `l1`, `l2` [h, w], the log-likelihoods
per dimension.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn

from freia_checkpoint import decoder
from torchvision_taps import TAPS, randomise, taps_of

SIZE = 96
CONDITION = 128


def encoding(height, width):
    half = CONDITION // 2
    omega = torch.exp(torch.arange(0, half, 2, dtype=torch.float64) * -(math.log(1e4) / half))
    pe = torch.zeros(CONDITION, height, width, dtype=torch.float64)
    x = torch.arange(width, dtype=torch.float64)[:, None] * omega
    y = torch.arange(height, dtype=torch.float64)[:, None] * omega
    pe[0:half:2] = torch.sin(x).T[:, None, :]
    pe[1:half:2] = torch.cos(x).T[:, None, :]
    pe[half::2] = torch.sin(y).T[:, :, None]
    pe[half + 1 :: 2] = torch.cos(y).T[:, :, None]
    return pe


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    np.random.seed(0)
    encoder = torchvision.models.resnet18(weights=None).eval()
    randomise(encoder)
    decoders = [decoder(d, CONDITION, 8, True) for d in (128, 256, 512)]
    for model in decoders:
        for name, p in model.named_parameters():
            if "w_perm" not in name:
                p.data += 0.02 * torch.randn_like(p)
    state = {
        "encoder_state_dict": encoder.state_dict(),
        "decoder_state_dict": [model.state_dict() for model in decoders],
    }
    torch.save(state, out / "checkpoint.pt")

    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            module.padding_mode = "reflect"
            module._reversed_padding_repeated_twice = [module.padding[0]] * 4
    pixels = torch.randint(0, 256, (SIZE, SIZE, 3)).float()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = ((pixels / 255 - mean) / std).permute(2, 0, 1)[None].double()
    taps = taps_of(encoder.double(), image)
    expected = {"image": pixels}
    for k, (tap, model) in enumerate(zip(TAPS, decoders)):
        _, depth, height, width = taps[tap].shape
        x = taps[tap][0].reshape(depth, -1).T
        c = encoding(height, width).reshape(CONDITION, -1).T
        with torch.no_grad():
            z, logdet = model.double()(x, [c])
        logp = -0.5 * (z**2).sum(1) - 0.5 * depth * math.log(2 * math.pi) + logdet
        expected[f"l{k}"] = (logp / depth).reshape(height, width).float().contiguous()
    torch.save(expected, out / "expected.pth")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
