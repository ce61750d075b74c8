import { randomFillSync } from 'node:crypto';
import { sizeOf } from '#distill/tensors.js';
import { BatchShapeError } from '#runtime/errors.js';
import { connect, type ClientTls } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';

export const protocols = ['rrd', 'kserve'] as const;
export type Protocol = (typeof protocols)[number];

export interface TargetOptions {
  readonly address: string;
  readonly tls: ClientTls | undefined;
  readonly model: string;
  /** Connections; each client of the load has its own. */
  readonly clients: number;
  readonly batch: number;
}

/** A server that is asked for the outputs of random images. */
export interface Target {
  readonly imageShape: readonly number[];
  ask(client: number): Promise<void>;
  close(): void;
}

/** Loading a model may take its time; answering may not. */
const describeOptions = { deadlineMs: 300_000 };
const askOptions = { deadlineMs: 60_000 };

export function openTarget(
  protocol: Protocol,
  options: TargetOptions,
): Promise<Target> {
  return protocol === 'rrd' ? openTeacher(options) : openInference(options);
}

async function openTeacher(options: TargetOptions): Promise<Target> {
  const { model, batch } = options;
  const clients = connections('rrd.v1.TeacherService', options);
  const described = await clients[0]!.describe({ model }, describeOptions);
  const { imageShape } = described;
  const shape = [batch, ...imageShape];
  return {
    imageShape,
    async ask(client) {
      const outputs = ['TEACHER_OUTPUT_LOGITS' as const];
      const pixels = toWire({ shape, data: randomBytes(shape) });
      const request = { model, pixels, outputs, client: `load-${client}` };
      await clients[client]!.extract(request, askOptions);
    },
    close: () => clients.forEach((client) => client.close()),
  };
}

async function openInference(options: TargetOptions): Promise<Target> {
  const { model: modelName, batch } = options;
  const clients = connections('inference.GRPCInferenceService', options);
  const request = { name: modelName };
  const metadata = await clients[0]!.modelMetadata(request, describeOptions);
  const [input] = metadata.inputs;
  const size = { UINT8: 1, FP32: 4 }[input?.datatype ?? ''];
  if (!input || !size) {
    throw new BatchShapeError({
      field: `inputs of ${modelName}`,
      expected: 'UINT8 or FP32',
      actual: input?.datatype ?? 'nothing',
    });
  }
  const imageShape = input.shape.slice(1);
  const shape = [batch, ...imageShape];
  const tensor = { name: input.name, datatype: input.datatype, shape };
  return {
    imageShape,
    async ask(client) {
      const values = size === 1 ? randomBytes(shape) : randomFloats(shape);
      await clients[client]!.modelInfer(
        { modelName, inputs: [tensor], rawInputContents: [values] },
        askOptions,
      );
    },
    close: () => clients.forEach((client) => client.close()),
  };
}

function connections<
  Service extends 'rrd.v1.TeacherService' | 'inference.GRPCInferenceService',
>(service: Service, { address, tls, clients }: TargetOptions) {
  return Array.from({ length: clients }, () =>
    connect(service, address, { tls }),
  );
}

/** Between 0 and 1. */
function randomFloats(shape: readonly number[]): Buffer {
  const floats = Float32Array.from(randomBytes(shape), (byte) => byte / 255);
  return Buffer.from(floats.buffer);
}

/** Others each time: a cache must not know them. */
function randomBytes(shape: readonly number[]): Buffer {
  return randomFillSync(Buffer.allocUnsafe(sizeOf(shape)));
}
