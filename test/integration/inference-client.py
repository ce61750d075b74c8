"""A client of the Open Inference Protocol that has never heard of rrd.

Usage: inference-client.py ADDRESS MODEL DATASET DIGEST
Its messages are written down here from the public specification, field by
field, so that it fails if ours differ. Prints one JSON object.
"""

import json
import struct
import sys

import grpc
from google.protobuf import descriptor_pb2, message_factory

address, model, dataset, digest = sys.argv[1:]

DEADLINE_S = 60
PARAMETERS = "map"

# message: (field, number, type); "*" is repeated, "map" is string -> parameter
MESSAGES = {
    "ServerLiveRequest": [],
    "ServerLiveResponse": [("live", 1, "bool")],
    "ServerReadyRequest": [],
    "ServerReadyResponse": [("ready", 1, "bool")],
    "ModelReadyRequest": [("name", 1, "string"), ("version", 2, "string")],
    "ModelReadyResponse": [("ready", 1, "bool")],
    "ServerMetadataRequest": [],
    "ServerMetadataResponse": [
        ("name", 1, "string"),
        ("version", 2, "string"),
        ("extensions", 3, "*string"),
    ],
    "ModelMetadataRequest": [("name", 1, "string"), ("version", 2, "string")],
    "TensorMetadata": [
        ("name", 1, "string"),
        ("datatype", 2, "string"),
        ("shape", 3, "*int64"),
    ],
    "ModelMetadataResponse": [
        ("name", 1, "string"),
        ("versions", 2, "*string"),
        ("platform", 3, "string"),
        ("inputs", 4, "*TensorMetadata"),
        ("outputs", 5, "*TensorMetadata"),
    ],
    "InferTensor": [
        ("name", 1, "string"),
        ("datatype", 2, "string"),
        ("shape", 3, "*int64"),
        ("parameters", 4, PARAMETERS),
        ("contents", 5, "InferTensorContents"),
    ],
    "InferRequestedOutputTensor": [
        ("name", 1, "string"),
        ("parameters", 2, PARAMETERS),
    ],
    "ModelInferRequest": [
        ("model_name", 1, "string"),
        ("model_version", 2, "string"),
        ("id", 3, "string"),
        ("parameters", 4, PARAMETERS),
        ("inputs", 5, "*InferTensor"),
        ("outputs", 6, "*InferRequestedOutputTensor"),
        ("raw_input_contents", 7, "*bytes"),
    ],
    "ModelInferResponse": [
        ("model_name", 1, "string"),
        ("model_version", 2, "string"),
        ("id", 3, "string"),
        ("parameters", 4, PARAMETERS),
        ("outputs", 5, "*InferTensor"),
        ("raw_output_contents", 6, "*bytes"),
    ],
    "ModelStreamInferResponse": [
        ("error_message", 1, "string"),
        ("infer_response", 2, "ModelInferResponse"),
    ],
    "InferParameter": [
        ("bool_param", 1, "bool"),
        ("int64_param", 2, "int64"),
        ("string_param", 3, "string"),
        ("double_param", 4, "double"),
        ("uint64_param", 5, "uint64"),
    ],
    "InferTensorContents": [
        ("bool_contents", 1, "*bool"),
        ("int_contents", 2, "*int32"),
        ("int64_contents", 3, "*int64"),
        ("uint_contents", 4, "*uint32"),
        ("uint64_contents", 5, "*uint64"),
        ("fp32_contents", 6, "*float"),
        ("fp64_contents", 7, "*double"),
        ("bytes_contents", 8, "*bytes"),
    ],
}

Field = descriptor_pb2.FieldDescriptorProto


def add_field(message, name, number, kind):
    field = message.field.add(name=name, number=number, label=1)
    if kind.startswith("*"):
        field.label, kind = 3, kind[1:]
    if kind == PARAMETERS:
        entry = f"{name.capitalize()}Entry"
        nested = message.nested_type.add(name=entry)
        nested.options.map_entry = True
        add_field(nested, "key", 1, "string")
        add_field(nested, "value", 2, "InferParameter")
        field.label, kind = 3, f"{message.name}.{entry}"
    scalar = getattr(Field, f"TYPE_{kind.upper()}", None)
    if scalar is None:
        field.type, field.type_name = Field.TYPE_MESSAGE, f".inference.{kind}"
    else:
        field.type = scalar


def load():
    file = descriptor_pb2.FileDescriptorProto(
        name="inference.proto", package="inference", syntax="proto3"
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            add_field(message, *field)
    return message_factory.GetMessages([file])


messages = load()


def new(message, **fields):
    return messages[f"inference.{message}"](**fields)


def method(channel, call, kind="unary_unary", response=None):
    reply = messages[f"inference.{response or call + 'Response'}"]
    return getattr(channel, kind)(
        f"/inference.GRPCInferenceService/{call}",
        request_serializer=lambda value: value.SerializeToString(),
        response_deserializer=reply.FromString,
    )


def ask(channel, call, **fields):
    request = new(f"{call}Request", **fields)
    return method(channel, call)(request, timeout=DEADLINE_S)


def text(value):
    return new("InferParameter", string_param=value)


def integer(value):
    return new("InferParameter", int64_param=value)


def infer_request(tensor, raw=None, outputs=(), parameters=None, **fields):
    return new(
        "ModelInferRequest",
        model_name=model,
        inputs=[tensor],
        outputs=[new("InferRequestedOutputTensor", name=o) for o in outputs],
        raw_input_contents=[] if raw is None else [raw],
        parameters=parameters or {},
        **fields,
    )


def result(response):
    """Outputs by name: shape and values, raw or typed."""
    found = {}
    for i, output in enumerate(response.outputs):
        values = list(output.contents.fp32_contents)
        if response.raw_output_contents:
            raw = response.raw_output_contents[i]
            values = list(struct.unpack(f"<{len(raw) // 4}f", raw))
        found[output.name] = {
            "datatype": output.datatype,
            "shape": list(output.shape),
            "values": values,
        }
    return found


def use(channel):
    metadata = ask(channel, "ModelMetadata", name=model)
    image = metadata.inputs[0]
    shape = [2, *image.shape[1:]]
    size = shape[1] * shape[2] * shape[3]
    pixels = bytes((7 * i) % 256 for i in range(2 * size))
    images = dict(name=image.name, datatype=image.datatype, shape=shape)
    raw_images = new("InferTensor", **images)
    typed_images = new(
        "InferTensor",
        contents=new("InferTensorContents", uint_contents=list(pixels)),
        **images,
    )
    infer = method(channel, "ModelInfer")
    raw = infer(infer_request(raw_images, pixels, id="r"), timeout=DEADLINE_S)
    typed = infer(
        infer_request(typed_images, outputs=["logits"]), timeout=DEADLINE_S
    )
    references = infer_request(
        new("InferTensor", name="indices", datatype="INT64", shape=[4]),
        struct.pack("<4q", 0, 1, 2, 3),
        ["embeddings"],
        {
            "rrd_dataset": text(dataset),
            "rrd_dataset_digest": text(digest),
            "rrd_augmentation": text("crop-flip"),
            "rrd_augmentation_seed": integer(5),
            "rrd_epoch": integer(1),
            "rrd_projection_seed": integer(9),
            "rrd_feat_dim": integer(8),
        },
    )
    embedded = infer(references, timeout=DEADLINE_S)
    wrong = new("InferTensor", name="images", datatype="UINT8", shape=[1, 2])
    stream = method(
        channel, "ModelStreamInfer", "stream_stream", "ModelStreamInferResponse"
    )
    requests = [
        infer_request(raw_images, pixels, id="0"),
        infer_request(wrong, b"ab", id="1"),
        infer_request(raw_images, pixels, ["logits"], id="2"),
    ]
    streamed = list(stream(iter(requests), timeout=DEADLINE_S))
    try:
        infer(infer_request(wrong, b"ab"), timeout=DEADLINE_S)
        refused = "nothing"
    except grpc.RpcError as error:
        refused = error.code().name
    return {
        "live": ask(channel, "ServerLive").live,
        "ready": ask(channel, "ServerReady").ready,
        "server": ask(channel, "ServerMetadata").name,
        "modelReady": ask(channel, "ModelReady", name=model).ready,
        "otherReady": ask(channel, "ModelReady", name="nobody").ready,
        "inputs": [[image.name, image.datatype, list(image.shape)]],
        "outputs": [[o.name, o.datatype, list(o.shape)] for o in metadata.outputs],
        "pixels": list(pixels),
        "raw": {
            "id": raw.id,
            "digest": raw.parameters["rrd_teacher_digest"].string_param,
            "outputs": result(raw),
        },
        "typed": result(typed),
        "embedded": result(embedded),
        "streamed": [
            [m.error_message != "", m.infer_response.id, result(m.infer_response)]
            for m in streamed
        ],
        "refused": refused,
    }


with grpc.insecure_channel(address) as channel:
    json.dump(use(channel), sys.stdout)
