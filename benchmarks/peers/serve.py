"""The protocol between a benchmark and a peer: one JSON request a line in, one JSON answer a line out.

The benchmark decides when a peer measures, so that both sides take turns in one run. A request may set `threads`.
"""

import json
import sys
import time

import torch


def measured(step, seconds, warm_up=2):
    """Median wall and processor seconds of a call that is repeated for some seconds, and at least three times."""
    for _ in range(warm_up):
        step()
    walls, cpus = [], []
    end = time.perf_counter() + seconds
    while len(walls) < 3 or (time.perf_counter() < end and len(walls) < 1000):
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    middle = len(walls) // 2
    return {"wall": sorted(walls)[middle], "cpu": sorted(cpus)[middle], "repeats": len(walls)}


def serve(answer):
    """Answers every request on standard input with `answer(request)`; an exception becomes {"error": text}."""
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request.get("threads", 2))
        try:
            result = answer(request)
        except Exception as error:  # the benchmark reports it and goes on with the next row
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)
