"""One training step of a student with CE + RRD: the peer of
bench/student-step.ts.

Usage: student_step.py STATE.safetensors THREADS DEVICE, then see recipe.serve.
`cpu-bf16` is torch.autocast with bfloat16 on the processor.
"""

import sys

import torch

from recipe import (
    channels_first,
    loss_of,
    optimiser_of,
    part,
    prepare,
    read_safetensors,
    serve,
)


def main(path, threads, device):
    tensors = read_safetensors(path, prepare(threads, device))
    state, inputs = part(tensors, "state"), part(tensors, "inputs")
    images, labels = channels_first(inputs["images"]), inputs["labels"].long()
    sgd = optimiser_of(state, float(inputs["learningRate"]))

    def step():
        queue, teacher = inputs["queue"], inputs["teacherEmbeddings"]
        with torch.autocast("cpu", torch.bfloat16, device == "cpu-bf16"):
            loss = loss_of(state, images, labels, queue, teacher)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss.item()

    serve(step)


main(*sys.argv[1:])
