"""The first stage of factor transfer in PyTorch, as its reference code builds it:
the decoder of transposed convolutions, where ours are turned convolutions.

  paraphraser.py < JSON    map [N, C, H, W], tensors by name, learningRate,
                           momentum, weightDecay, steps; prints the losses
"""
import json
import sys

import torch
from torch import nn
from torch.nn import functional


def main():
    given = json.load(sys.stdin)
    target = torch.tensor(given["map"])
    tensors = {k: torch.tensor(v) for k, v in given["tensors"].items()}
    layers = []
    for part, kind in (("paraphraser", nn.Conv2d), ("decoder", nn.ConvTranspose2d)):
        for i in (0, 3, 6):
            weight, bias = (tensors[f"{part}.{i}.{s}"] for s in ("weight", "bias"))
            layer = kind(weight.shape[1], weight.shape[0], 3, 1, 1)
            if kind is nn.ConvTranspose2d:
                weight = weight.flip(2, 3).transpose(0, 1)
            with torch.no_grad():
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
            layers += [layer, nn.LeakyReLU(0.1)]
    model = nn.Sequential(*layers)
    sgd = torch.optim.SGD(
        model.parameters(),
        lr=given["learningRate"],
        momentum=given["momentum"],
        weight_decay=given["weightDecay"],
    )
    losses = []
    for _ in range(given["steps"]):
        loss = functional.mse_loss(model(target), target)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    print(json.dumps(losses))


main()
