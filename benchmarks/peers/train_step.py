"""Optimisation steps of the authors' flow in PyTorch.

Request {"depth", "miniBatch", "seconds", "threads"} -> {"wall", "cpu"} seconds of a step (median).
"""

from authors_flow import Training
from serve import measured, serve


def answer(request):
    training = Training(request["depth"], request["miniBatch"])
    return measured(training.step, request["seconds"])


serve(answer)
