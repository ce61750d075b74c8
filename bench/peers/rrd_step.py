"""The whole step of RRD in one process, as the reference code does it: teacher
forward, projection, enqueue, student step. The peer of bench/rrd-step.ts.

Usage: rrd_step.py STATE.safetensors THREADS RATE, then see recipe.serve. The
batches of the file are taken in turn; they are there before time is taken.
"""

import sys

import torch
import torch.nn.functional as F
from recipe import (
    channels_first,
    loss_of,
    optimiser_of,
    part,
    prepare,
    read_safetensors,
    resnet,
    serve,
)


def main(path, threads, rate):
    tensors = read_safetensors(path, prepare(threads, "cpu"))
    student, teacher = part(tensors, "student"), part(tensors, "teacher")
    projection, queue = part(tensors, "projection"), tensors["queue"]
    images = [channels_first(x) for x in part(tensors, "images").values()]
    labels = [x.long() for x in part(tensors, "labels").values()]
    sgd = optimiser_of(student, float(rate))
    taken = 0

    def enqueue(rows):
        start = taken * len(rows) % len(queue)
        queue[start : start + len(rows)] = rows

    def step():
        nonlocal taken
        batch = taken % len(images)
        with torch.no_grad():
            features, _ = resnet(teacher, images[batch], training=False)
            head = projection["weight"], projection["bias"]
            embeddings = F.normalize(F.linear(features, *head))
        enqueue(embeddings)
        taken += 1
        loss = loss_of(student, images[batch], labels[batch], queue, embeddings)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss.item()

    serve(step)


main(*sys.argv[1:])
