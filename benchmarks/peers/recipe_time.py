"""Passes of the authors' recipe in PyTorch, on features of the shape of MVTec transistor with EfficientNet-Lite0.

213 images of 256 px in batches of 32 (the last, partial one dropped), three scales; per batch and scale the vectors are
permuted and stepped through in mini-batches of 256, with one Adam over all decoders. Features and encoder are left out:
what is timed is the flow alone, which favours the peer. Request {"batches", "threads"} -> {"secondsPerPass"}, from
that many image batches of the six of a pass.
"""

import time

import torch
from authors_flow import CONDITION, decoder, log_probability
from serve import serve
from torch import nn

IMAGES, BATCH, MINI_BATCH = 213, 32, 256
# depth and side of the map of each scale
SCALES = [(40, 32), (112, 16), (192, 8)]


def image_batch(decoders, optimizer):
    for (depth, side), model in zip(SCALES, decoders):
        rows = BATCH * side * side
        features, condition = torch.randn(rows, depth), torch.randn(rows, CONDITION)
        order = torch.randperm(rows)
        for start in range(0, rows - MINI_BATCH + 1, MINI_BATCH):
            index = order[start : start + MINI_BATCH]
            z, log_jacobian = model(features[index], [condition[index]])
            loss = -nn.functional.logsigmoid(log_probability(depth, z, log_jacobian) / depth)
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
            loss.detach().sum().item()


def answer(request):
    decoders = [decoder(depth) for depth, _ in SCALES]
    optimizer = torch.optim.Adam([p for d in decoders for p in d.parameters()], lr=2e-4)
    batches = request.get("batches", 1)
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(batches):
        image_batch(decoders, optimizer)
    scale = (IMAGES // BATCH) / batches
    return {
        "secondsPerPass": (time.perf_counter() - start) * scale,
        "cpuSecondsPerPass": (time.process_time() - cpu) * scale,
    }


serve(answer)
