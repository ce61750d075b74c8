"""A teacher's forward in eval mode: the peer of bench/teacher-forward.ts.

Usage: teacher_forward.py STATE.safetensors OUTPUTS THREADS. Writes features and
logits to OUTPUTS, float32 one after the other, then see recipe.serve; the loss
of a forward is the sum of its features.
"""

import sys

import torch
from recipe import channels_first, part, read_safetensors, resnet, serve


def main(path, outputs, threads):
    torch.set_num_threads(int(threads))
    tensors = read_safetensors(path)
    state = part(tensors, "state")
    images = channels_first(part(tensors, "inputs")["images"])

    def forward():
        with torch.no_grad():
            return resnet(state, images, training=False)

    with open(outputs, "wb") as file:
        for tensor in forward():
            file.write(tensor.numpy().tobytes())
    serve(lambda: forward()[0].sum().item())


main(*sys.argv[1:])
