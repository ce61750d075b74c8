"""The distillation step of the paper in PyTorch, written from its recipe: what
the peers of bench/student-step.ts and bench/rrd-step.ts share.
"""

import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

STUDENT_TEMPERATURE, TEACHER_TEMPERATURE = 0.1, 0.02
TYPES = {"F32": numpy.float32, "I32": numpy.int32}


def prepare(threads, device):
    """The device: `cpu`, `cuda` in full float32, `cuda-tf32` with TensorFloat-32."""
    torch.set_num_threads(int(threads))
    kind, _, precision = device.partition("-")
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    return torch.device(kind)


def read_safetensors(path, device):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = numpy.frombuffer(data[begin:end], TYPES[entry["dtype"]]).copy()
        tensors[name] = torch.from_numpy(array).reshape(entry["shape"]).to(device)
    return tensors


def part(tensors, prefix):
    """The tensors below `prefix.`, by the rest of their names."""
    start = prefix + "."
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}


def channels_first(images):
    return images.permute(0, 3, 1, 2).contiguous()


def resnet(state, x, training):
    """A ResNet of basic blocks, CIFAR's or torchvision's, which its stem tells;
    returns pooled features and logits."""

    def conv(x, name, stride=1):
        weight = state[name + ".weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)

    def norm(x, name):
        mean, variance = (state[f"{name}.running_{s}"] for s in ("mean", "var"))
        weight, bias = state[name + ".weight"], state[name + ".bias"]
        return F.batch_norm(x, mean, variance, weight, bias, training)

    large = state["conv1.weight"].shape[2] == 7
    x = F.relu(norm(conv(x, "conv1", 2 if large else 1), "bn1"))
    if large:
        x = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage in (1, 2, 3, 4):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in state:
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = F.relu(norm(conv(x, name + ".conv1", stride), name + ".bn1"))
            y = norm(conv(y, name + ".conv2"), name + ".bn2")
            if name + ".downsample.0.weight" in state:
                x = norm(conv(x, name + ".downsample.0", stride), name + ".downsample.1")
            x = F.relu(x + y)
            block += 1
    features = x.mean((2, 3))
    return features, F.linear(features, state["fc.weight"], state["fc.bias"])


def loss_of(state, images, labels, queue, teacher):
    """Cross-entropy + RRD; `teacher` and the rows of `queue` are embeddings."""
    features, logits = resnet(state, images, training=True)
    head = state["rrd.embed.weight"], state["rrd.embed.bias"]
    embeddings = F.normalize(F.linear(features, *head))
    with torch.no_grad():
        target = F.softmax(teacher @ queue.T / TEACHER_TEMPERATURE, 1)
    found = F.log_softmax(embeddings @ queue.T / STUDENT_TEMPERATURE, 1)
    rrd = -(target * found).sum(1).mean()
    return F.cross_entropy(logits, labels) + rrd


def optimiser_of(state, rate):
    """SGD over what has a momentum; its name stands behind `momentum.`."""
    weights = [state[k].requires_grad_() for k in part(state, "momentum")]
    return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=5e-4)


def serve(step):
    """Each line read is a number of calls of `step`, which returns a loss; each
    line written is {"losses": [...], "ms": [...], "cpuMs": [...]} for them."""

    def timed():
        started, cpu = time.perf_counter(), time.process_time()
        loss = step()
        ms, cpu_ms = time.perf_counter() - started, time.process_time() - cpu
        return loss, ms * 1000, cpu_ms * 1000

    for line in sys.stdin:
        results = zip(*(timed() for _ in range(int(line))))
        names = ("losses", "ms", "cpuMs")
        print(json.dumps(dict(zip(names, results))), flush=True)
