"""The flow and the optimisation step of the authors' code (gudovskiy/cflow-ad), on FrEIA's AllInOneBlock.

Eight couplings, soft rotations, condition 128, clamp 1.9, softplus affine map; loss -logsigmoid(log p / D); Adam.
"""

import FrEIA.framework as Ff
import FrEIA.modules as Fm
import numpy as np
import torch
from scipy.stats import special_ortho_group
from torch import nn

CONDITION = 128


def rotation(dim, **_):
    """A random rotation as SciPy's, by one QR decomposition: SciPy's own takes minutes for 1,024 dimensions."""
    q, r = np.linalg.qr(np.random.randn(dim, dim))
    q *= np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[0] *= -1
    return q


special_ortho_group.rvs = rotation


def subnet(dims_in, dims_out):
    return nn.Sequential(nn.Linear(dims_in, 2 * dims_in), nn.ReLU(), nn.Linear(2 * dims_in, dims_out))


def decoder(depth, couplings=8):
    model = Ff.SequenceINN(depth)
    for _ in range(couplings):
        model.append(
            Fm.AllInOneBlock,
            cond=0,
            cond_shape=(CONDITION,),
            subnet_constructor=subnet,
            affine_clamping=1.9,
            global_affine_type="SOFTPLUS",
            permute_soft=True,
        )
    return model


def log_probability(depth, z, log_jacobian):
    constant = depth * np.log(2 * np.pi)
    return log_jacobian - 0.5 * (torch.sum(z**2, 1) + constant)


class Training:
    """One decoder that is trained on mini-batches drawn from a pool of vectors, by index as in the authors' loop."""

    def __init__(self, depth, mini_batch, learning_rate=2e-4):
        torch.manual_seed(0)
        np.random.seed(0)
        self.depth, self.mini_batch = depth, mini_batch
        self.model = decoder(depth)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=learning_rate)
        pool = 2 * mini_batch
        self.features = torch.randn(pool, depth)
        self.condition = torch.randn(pool, CONDITION)
        self.order = torch.randperm(pool)
        self.turn = 0

    def step(self):
        start = (self.turn % 2) * self.mini_batch
        self.turn += 1
        rows = self.order[start : start + self.mini_batch]
        e, c = self.features[rows], self.condition[rows]
        z, log_jacobian = self.model(e, [c])
        loss = -nn.functional.logsigmoid(log_probability(self.depth, z, log_jacobian) / self.depth)
        self.optimizer.zero_grad()
        loss.mean().backward()
        self.optimizer.step()
        return loss.detach().sum().item()
