"""The ImageNet networks in PyTorch, written from their papers' tables.

  imagenet.py SIDE     prints, for each, what a pass in both modes gives
"""
import json
import sys

import numpy
import torch
from torch import nn

CLASSES = 100


def conv_norm(inputs, outputs, size, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, size, stride, size // 2,
                     groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    def __init__(self, inputs, middle, outputs, stride, groups, bottleneck):
        super().__init__()
        plan = [(inputs, middle, 3, stride, 1), (middle, outputs, 3, 1, 1)]
        if bottleneck:
            plan = [(inputs, middle, 1, 1, 1),
                    (middle, middle, 3, stride, groups),
                    (middle, outputs, 1, 1, 1)]
        self.depth = len(plan)
        for i, row in enumerate(plan, 1):
            conv, norm = conv_norm(*row)
            setattr(self, f'conv{i}', conv)
            setattr(self, f'bn{i}', norm)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                *conv_norm(inputs, outputs, 1, stride))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f'bn{i}')(getattr(self, f'conv{i}')(y))
            if i < self.depth:
                y = torch.relu(y)
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    def __init__(self, depths, bottleneck, groups=1, width=64):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(3, 64, 7, 2)
        inputs = 64
        for stage, depth in enumerate(depths):
            base = 64 << stage
            middle = groups * width << stage if bottleneck else base
            outputs = base * (4 if bottleneck else 1)
            blocks = []
            for i in range(depth):
                stride = 2 if i == 0 and stage else 1
                blocks.append(Block(inputs, middle, outputs, stride, groups,
                                    bottleneck))
                inputs = outputs
            setattr(self, f'layer{stage + 1}', nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        for i in range(1, 5):
            x = getattr(self, f'layer{i}')(x)
        return self.fc(x.mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        middle = inputs * expansion
        layers = []
        if expansion > 1:
            layers.append(nn.Sequential(*conv_norm(inputs, middle, 1),
                                        nn.ReLU6()))
        layers.append(nn.Sequential(
            *conv_norm(middle, middle, 3, stride, middle), nn.ReLU6()))
        self.conv = nn.Sequential(*layers, *conv_norm(middle, outputs, 1))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Sequential(*conv_norm(3, 32, 3, 2), nn.ReLU6())]
        inputs = 32
        for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2),
                           (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                           (6, 320, 1, 1)]:
            for i in range(n):
                layers.append(Inverted(inputs, c, 1 if i else s, t))
                inputs = c
        layers.append(nn.Sequential(*conv_norm(320, 1280, 1), nn.ReLU6()))
        self.features = nn.Sequential(*layers)
        # Dropout without effect: ours has none.
        self.classifier = nn.Sequential(nn.Dropout(0),
                                        nn.Linear(1280, CLASSES))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Shuffle(nn.Module):
    def __init__(self, inputs, outputs, down):
        super().__init__()
        half = outputs // 2
        own = inputs if down else half
        stride = 2 if down else 1
        self.branch1 = nn.Sequential()
        if down:
            self.branch1 = nn.Sequential(
                *conv_norm(own, own, 3, 2, own), *conv_norm(own, half, 1),
                nn.ReLU())
        self.branch2 = nn.Sequential(
            *conv_norm(own, half, 1), nn.ReLU(),
            *conv_norm(half, half, 3, stride, half),
            *conv_norm(half, half, 1), nn.ReLU())

    def forward(self, x):
        left, right = (x, x) if len(self.branch1) else x.chunk(2, 1)
        y = torch.cat([self.branch1(left), self.branch2(right)], 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class ShuffleNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(*conv_norm(3, 24, 3, 2), nn.ReLU())
        inputs = 24
        for stage, (c, n) in enumerate([(116, 4), (232, 8), (464, 4)], 2):
            units = []
            for i in range(n):
                units.append(Shuffle(inputs, c, i == 0))
                inputs = c
            setattr(self, f'stage{stage}', nn.Sequential(*units))
        self.conv5 = nn.Sequential(*conv_norm(464, 1024, 1), nn.ReLU())
        self.fc = nn.Linear(1024, CLASSES)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x), 3, 2, 1)
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean((2, 3)))


def uniforms(name, count):
    """FNV-1a of the name seeds mulberry32, as in test/golden."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    steps = numpy.arange(1, count + 1, dtype=numpy.uint32)
    with numpy.errstate(over='ignore'):
        s = numpy.uint32(seed) + steps * numpy.uint32(0x6D2B79F5)
        m = (s ^ (s >> 15)) * (s | numpy.uint32(1))
        m ^= m + (m ^ (m >> 7)) * (m | numpy.uint32(61))
    return (m ^ (m >> 14)).astype(numpy.float64) / 2 ** 32


def values(name, shape):
    u = uniforms(name, int(numpy.prod(shape)))
    if len(shape) > 1:
        bound = numpy.sqrt(6 / numpy.prod(shape[1:])) * 0.7
        u = (2 * u - 1) * bound
    elif name.endswith(('.running_var', '.weight')):
        u = 0.5 + u
    else:
        u = (u - 0.5) * 0.2
    return torch.from_numpy(u.astype(numpy.float32).reshape(shape))


def passes(model, side):
    state = {name: values(name, t.shape) if t.is_floating_point() else t
             for name, t in model.state_dict().items()}
    model.load_state_dict(state)
    u = uniforms('__input__', 4 * 3 * side * side)
    x = torch.from_numpy(((2 * u - 1) * 1.7).astype(numpy.float32))
    x = x.reshape(4, 3, side, side)
    with torch.no_grad():
        evaluated = model.eval()(x)
    trained = model.train()(x)
    labels = torch.tensor([3, 99, 41, 0])
    nn.functional.cross_entropy(trained, labels).backward()
    parameters = dict(model.named_parameters())
    return {
        'names': sorted(state),
        'eval': evaluated.flatten().tolist(),
        'train': trained.flatten().tolist(),
        'gradients': {n: p.grad.norm().item() for n, p in parameters.items()},
    }


networks = {
    'resnet18': lambda: ResNet([2, 2, 2, 2], False),
    'resnet34': lambda: ResNet([3, 4, 6, 3], False),
    'resnet50': lambda: ResNet([3, 4, 6, 3], True),
    'wide_resnet50_2': lambda: ResNet([3, 4, 6, 3], True, 1, 128),
    'resnext50_32x4d': lambda: ResNet([3, 4, 6, 3], True, 32, 4),
    'mobilenet_v2': MobileNetV2,
    'shufflenet_v2_x1_0': ShuffleNetV2,
}
side = int(sys.argv[1])
print(json.dumps({n: passes(make(), side) for n, make in networks.items()}))
