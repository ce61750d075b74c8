"""A gRPC client that knows rrd by its .proto files alone.

Usage: foreign-client.py DESCRIPTORS BANK TEACHER DATASET DIGEST
DESCRIPTORS is our protos as a FileDescriptorSet. Prints one JSON object.
"""

import json
import struct
import sys

import grpc
from google.protobuf import descriptor_pb2, message_factory

descriptors, bank_address, teacher_address, dataset, digest = sys.argv[1:]

DEADLINE_S = 30
FEAT_DIM = 3


def load(path):
    """The messages of a FileDescriptorSet by full name."""
    with open(path, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    return message_factory.GetMessages(files)


messages = load(descriptors)


def message(name, **fields):
    return messages[f"rrd.v1.{name}"](**fields)


def call(channel, kind, service, method, request):
    """Calls `rrd.v1.<service>/<method>`; `kind` as grpcio names it."""
    make = getattr(channel, kind)
    stub = make(
        f"/rrd.v1.{service}/{method}",
        request_serializer=lambda value: value.SerializeToString(),
        response_deserializer=messages[f"rrd.v1.{method}Response"].FromString,
    )
    return stub(request, timeout=DEADLINE_S)


def tensor(rows):
    values = [value for row in rows for value in row]
    return message(
        "Tensor",
        data_type="DATA_TYPE_FLOAT32",
        shape=[len(rows), len(rows[0])],
        data=struct.pack(f"<{len(values)}f", *values),
    )


def floats(wire):
    return list(struct.unpack(f"<{len(wire.data) // 4}f", wire.data))


def error_info(error):
    """What a failed call says in grpc-status-details-bin."""
    trailers = dict(error.trailing_metadata())
    status = messages["google.rpc.Status"].FromString(
        trailers["grpc-status-details-bin"]
    )
    details = {any.type_url.split("/")[-1]: any.value for any in status.details}
    info = messages["google.rpc.ErrorInfo"].FromString(
        details["google.rpc.ErrorInfo"]
    )
    return {
        "code": error.code().name,
        "reason": info.reason,
        "domain": info.domain,
        "metadata": dict(info.metadata),
        "hasRetryInfo": "google.rpc.RetryInfo" in details,
    }


def use_bank(channel):
    def bank(method, request, kind="unary_unary"):
        return call(channel, kind, "MemoryBankService", method, request)

    def enqueue(step, rows):
        request = message(
            "EnqueueRequest",
            queue="foreign",
            epoch=1,
            batch_id=message("BatchId", run_id="py", step=step, rank=0),
            teacher_digest="t",
            rows=tensor(rows),
        )
        return bank("Enqueue", request)

    spec = message(
        "QueueSpec",
        queue="foreign",
        capacity=4,
        feat_dim=FEAT_DIM,
        seed=1,
        init="QUEUE_INIT_ROWS",
        world_size=1,
        teacher_digest="t",
    )
    bank("CreateQueue", message("CreateQueueRequest", spec=spec, epoch=1))
    enqueue(0, [[1, 2, 3]])
    duplicate = enqueue(0, [[1, 2, 3]]).duplicate

    request = message("SubscribeRequest", queue="foreign")
    stream = bank("Subscribe", request, kind="unary_stream")
    header = next(stream).snapshot.state
    chunk = next(stream).chunk
    enqueue(1, [[4, 5, 6], [7, 8, 9]])
    delta = next(m.delta for m in stream if m.WhichOneof("message") == "delta")
    stream.cancel()

    errors = []
    for step, rows in [(0, [[1, 2, 4]]), (10_000, [[1, 2, 3]])]:
        try:
            enqueue(step, rows)
        except grpc.RpcError as error:
            errors.append(error_info(error))
    return {
        "duplicate": duplicate,
        "snapshotVersion": header.version,
        "snapshot": floats(chunk.rows),
        "deltaVersion": delta.version,
        "delta": floats(delta.rows),
        "errors": errors,
    }


def use_teacher(channel):
    refs = message(
        "SampleRefs",
        dataset=dataset,
        dataset_digest=digest,
        split="SPLIT_TRAIN",
        indices=[0, 1, 2, 3],
        augmentation="AUGMENTATION_CROP_FLIP",
        augmentation_seed=5,
        epoch=1,
    )
    request = message(
        "ExtractRequest",
        model="teacher",
        refs=refs,
        outputs=["TEACHER_OUTPUT_EMBEDDINGS"],
        projection=message("Projection", seed=9, feat_dim=8),
    )
    response = call(channel, "unary_unary", "TeacherService", "Extract", request)
    return {
        "shape": list(response.embeddings.shape),
        "embeddings": floats(response.embeddings),
    }


with grpc.insecure_channel(bank_address) as bank_channel:
    with grpc.insecure_channel(teacher_address) as teacher_channel:
        outcome = {
            "bank": use_bank(bank_channel),
            "teacher": use_teacher(teacher_channel),
        }
json.dump(outcome, sys.stdout)
