"""A teacher's forward in eval mode: the peer of bench/teacher-forward.ts.

Usage: teacher_forward.py STATE.safetensors OUTPUTS THREADS DEVICE. Writes features and
logits to OUTPUTS, float32 one after the other, then see recipe.serve; the loss
of a forward is the sum of its features.
"""

import sys

import torch
from recipe import channels_first, part, prepare, read_safetensors, resnet, serve


def main(path, outputs, threads, device):
    tensors = read_safetensors(path, prepare(threads, device))
    state = part(tensors, "state")
    images = channels_first(part(tensors, "inputs")["images"])

    def forward():
        with torch.no_grad():
            return resnet(state, images, training=False)

    with open(outputs, "wb") as file:
        for tensor in forward():
            file.write(tensor.cpu().numpy().tobytes())
    serve(lambda: forward()[0].sum().item())


main(*sys.argv[1:])
