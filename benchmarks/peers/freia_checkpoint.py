"""Writes a tiny checkpoint in the form of the authors' code, with FrEIA, and the log-likelihoods that FrEIA gives.

    pip install -r requirements-fixtures.txt
    python freia_checkpoint.py OUT_DIR

OUT_DIR/freia_checkpoint.pt holds {'encoder_state_dict', 'decoder_state_dict': [one per scale]} as PyTorch writes it;
freia_checkpoint.json the inputs (features and conditions) and log p(z) of every row in float64.
"""

import json
import sys
from pathlib import Path

import FrEIA.framework as Ff
import FrEIA.modules as Fm
import numpy as np
import torch
from torch import nn

# per scale: depth, condition, coupling layers, soft permutation
SCALES = [(6, 8, 3, True), (5, 8, 2, False), (4, 0, 1, True)]
ROWS = 4


def subnet(dims_in, dims_out):
    return nn.Sequential(nn.Linear(dims_in, 2 * dims_in), nn.ReLU(), nn.Linear(2 * dims_in, dims_out))


def decoder(depth, condition, blocks, soft):
    model = Ff.SequenceINN(depth)
    for _ in range(blocks):
        cond = dict(cond=0, cond_shape=(condition,)) if condition else {}
        model.append(
            Fm.AllInOneBlock,
            **cond,
            subnet_constructor=subnet,
            affine_clamping=1.9,
            global_affine_type="SOFTPLUS",
            permute_soft=soft,
        )
    return model


def main(out):
    torch.manual_seed(0)
    np.random.seed(0)
    decoders = [decoder(*s) for s in SCALES]
    for model in decoders:
        for name, p in model.named_parameters():
            if "w_perm" not in name:  # away from the initial values, so that every parameter matters
                p.data += 0.3 * torch.randn_like(p)
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    state = {
        "encoder_state_dict": encoder.state_dict(),
        "decoder_state_dict": [model.state_dict() for model in decoders],
    }
    out.mkdir(parents=True, exist_ok=True)
    torch.save(state, out / "freia_checkpoint.pt")

    expected = []
    for (depth, condition, blocks, soft), model in zip(SCALES, decoders):
        model = model.double()
        x = torch.randn(ROWS, depth, dtype=torch.float64)
        c = torch.randn(ROWS, condition, dtype=torch.float64) if condition else None
        with torch.no_grad():
            z, logdet = model(x, [c]) if condition else model(x)
        logp = -0.5 * (z**2).sum(1) - 0.5 * depth * np.log(2 * np.pi) + logdet
        expected.append(
            {
                "depth": depth,
                "condition": condition,
                "couplingLayers": blocks,
                "permutation": "soft" if soft else "hard",
                "x": x.tolist(),
                "c": c.tolist() if condition else [],
                "logp": logp.tolist(),
            }
        )
    text = json.dumps({"torch": torch.__version__, "scales": expected})
    (out / "freia_checkpoint.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
