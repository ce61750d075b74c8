"""Writes checkpoints with PyTorch, honest and hostile; reads safetensors.

  checkpoints.py write IN.safetensors FOLDER
  checkpoints.py logits IN.safetensors IMAGES.bin SIDE
"""
import argparse
import collections
import json
import os
import struct
import sys
import zipfile

import numpy
import torch
from torch import nn

KINDS = {'F32': numpy.float32, 'I32': numpy.int32}


def read_safetensors(path):
    data = open(path, 'rb').read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop('__metadata__', None)
    body = data[8 + size:]
    tensors = collections.OrderedDict()
    for name, entry in header.items():
        part = body[slice(*entry['data_offsets'])]
        array = numpy.frombuffer(part, KINDS[entry['dtype']]).copy()
        tensor = torch.from_numpy(array).reshape(entry['shape'])
        is_count = name.endswith('num_batches_tracked')
        tensors[name] = tensor.long() if is_count else tensor
    return tensors


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            norm = nn.BatchNorm2d(outputs)
            self.downsample = nn.Sequential(projection, norm)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet8(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(BasicBlock(16, 16, 1))
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2))
        self.layer3 = nn.Sequential(BasicBlock(32, 64, 2))
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def loaded(tensors):
    model = ResNet8(tensors['fc.weight'].shape[0])
    model.load_state_dict(tensors)
    return model.eval()


class Command:
    def __reduce__(self):
        return os.system, ('touch EXECUTED',)


def write(path, folder):
    model = loaded(read_safetensors(path))
    weights = model.state_dict()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.ones(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    model.load_state_dict(read_safetensors(path))

    def save(name, value, **options):
        torch.save(value, os.path.join(folder, name), **options)

    legacy = {'_use_new_zipfile_serialization': False}
    # As RepDistiller's loop writes them.
    training = {
        'epoch': 240,
        'model': weights,
        'accuracy': torch.tensor(71.5),
        'optimizer': optimizer.state_dict(),
        'opt': argparse.Namespace(model='resnet8', lr=0.05),
    }
    save('zip.pth', training)
    save('legacy.pth', training, **legacy)
    parallel = {f'module.{name}': t for name, t in weights.items()}
    save('parallel.pth', parallel)
    uncounted = {n: t for n, t in weights.items() if 'num_batches' not in n}
    save('uncounted.pth', uncounted, **legacy)
    views = {n: t.double() if t.is_floating_point() else t
             for n, t in weights.items()}
    views['fc.weight'] = weights['fc.weight'].t().contiguous().t()
    save('views.pth', views)
    save('half.pth', {n: t.half() if t.is_floating_point() else t
                      for n, t in weights.items()})
    # Hostile, and wrong.
    save('reduce.pth', {'model': weights, 'extra': Command()})
    save('reduce-legacy.pth', {'model': weights, 'extra': Command()}, **legacy)
    save('protocol4.pth', weights, pickle_protocol=4)
    wrong = collections.OrderedDict(weights)
    wrong['layer2.0.conv1.weight'] = torch.zeros(32, 16, 1, 1)
    save('shape.pth', wrong)
    wrong['layer2.0.conv1.weight'] = torch.zeros(1).expand(1 << 40, 16, 3, 3)
    save('expanded.pth', wrong)
    wrong = collections.OrderedDict(weights)
    wrong['bn1.weight'] = torch.full((16,), float('nan'))
    save('nan.pth', wrong)
    wrong = collections.OrderedDict(weights)
    del wrong['bn1.weight']
    save('missing.pth', wrong)
    save('unexpected.pth', {**weights, 'extra.weight': torch.zeros(2)})
    save('other.pth', [1, 2, 3])
    with zipfile.ZipFile(os.path.join(folder, 'zip.pth')) as source:
        bomb = os.path.join(folder, 'bomb.pth')
        with zipfile.ZipFile(bomb, 'w', zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(name, source.read(name))
            target.writestr('zip/data/999', bytes(1 << 26))
    with open(os.path.join(folder, 'nested.pth'), 'wb') as file:
        file.write(b'\x80\x02' + b'(' * 1_000_000 + b'.')
    with open(os.path.join(folder, 'long.pth'), 'wb') as file:
        file.write(b'\x80\x02' + b'X\xff\xff\xff\xff' + b'a' * 100)


def logits(path, images, side):
    data = numpy.fromfile(images, numpy.float32)
    x = torch.from_numpy(data).reshape(-1, side, side, 3).permute(0, 3, 1, 2)
    with torch.no_grad():
        print(json.dumps(loaded(read_safetensors(path))(x).tolist()))


if sys.argv[1] == 'write':
    write(sys.argv[2], sys.argv[3])
else:
    logits(sys.argv[2], sys.argv[3], int(sys.argv[4]))
