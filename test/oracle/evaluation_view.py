"""torchvision's Resize(256) and CenterCrop(224) of a tensor, as PyTorch does them.

Arguments: height, width, height scaled, width scaled, top, left, side of the crop.
Standard input: uint8 [height, width, 3]; standard output: uint8 [side, side, 3].
"""

import sys

import torch

height, width, to_height, to_width, top, left, side = map(int, sys.argv[1:])
pixels = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.uint8)
image = pixels.reshape(1, height, width, 3).permute(0, 3, 1, 2).float()
scaled = torch.nn.functional.interpolate(
    image, (to_height, to_width), mode="bilinear", antialias=True
)
view = scaled.round().clamp(0, 255)[0, :, top : top + side, left : left + side]
sys.stdout.buffer.write(bytes(view.permute(1, 2, 0).byte().contiguous().numpy()))
