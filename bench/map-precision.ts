import * as tf from '@tensorflow/tfjs';
import { rngFrom } from '#distill/data/rng.js';
import { attentionTransfer } from '#distill/losses/attention.js';
import { createNetwork } from '#distill/models/index.js';
import { decodeRows, type Precision, precisions } from '#distill/precision.js';
import type { HostTensor } from '#distill/tensors.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import { spawnService } from '../test/processes.js';
import { median } from './statistics.js';
import { teacherFolder } from './teacher-folder.js';

/** What AT reads of the teacher of the CIFAR-100 tables, in a step of 64. */
const network = createNetwork('resnet32x4', 100);
const imageShape = [32, 32, 3] as const;
const batchSize = 64;
const mapIndices = [1, 2, 3];
const rounds = 5;

interface Answer {
  readonly maps: readonly HostTensor[];
  readonly receivedBytes: number;
  /** From the request to the values. */
  readonly ms: number;
}

/**
 * By precision: bytes of an answer with maps, its time (most of which is the
 * network's), how far values are off by root mean square, relative to theirs,
 * and how far AT's loss is for a student that sees other maps.
 */
export async function measureMapPrecision(): Promise<object> {
  const weights = network.init(rngFrom(1, 'bench'));
  await using folder = await teacherFolder(network, weights, imageShape);
  const teacher = await spawnService('teacher', {
    MODELS_DIR: folder.modelsDir,
  });
  const client = connect('rrd.v1.TeacherService', teacher.address);
  try {
    const answers: Record<string, Answer[]> = {};
    for (let round = 0; round <= rounds; round++) {
      for (const precision of precisions) {
        const answer = await ask(client, precision);
        // The first one compiles.
        if (round > 0) (answers[precision] ??= []).push(answer);
      }
    }
    const exact = answers['float32']![0]!;
    const measured = Object.entries(answers).map(([precision, each]) => [
      ...[precision, resultOf(each, exact)],
    ]);
    return Object.fromEntries(measured) as object;
  } finally {
    client.close();
    await teacher.kill();
  }
}

async function ask(
  client: RpcClient<'rrd.v1.TeacherService'>,
  precision: Precision,
): Promise<Answer> {
  const rng = rngFrom(2, 'images');
  const shape = [batchSize, ...imageShape];
  const length = shape.reduce((a, b) => a * b);
  const images = Uint8Array.from({ length }, () => rng.integer(256));
  const before = client.bytes.received;
  const started = performance.now();
  const { maps } = await client.extract(
    {
      ...{ model: network.name, pixels: toWire({ shape, data: images }) },
      ...{ outputs: ['TEACHER_OUTPUT_MAPS'], mapIndices },
      mapPrecision: toWirePrecision(precision),
    },
    { deadlineMs: 300_000 },
  );
  const read = maps.map((map) => {
    const { shape, data } = fromWire(map, {
      field: 'map',
      dataType: precision,
    });
    return { shape, data: decodeRows(data, precision) };
  });
  const ms = performance.now() - started;
  return { maps: read, receivedBytes: client.bytes.received - before, ms };
}

function resultOf(answers: readonly Answer[], exact: Answer) {
  const [{ maps, receivedBytes }] = answers as [Answer];
  const [own, whole] = [lossOf(maps), lossOf(exact.maps)];
  return {
    receivedBytes,
    medianMs: median(answers.map(({ ms }) => ms)),
    relativeErrors: maps.map((map, i) => rmsError(map, exact.maps[i]!)),
    lossError: Math.abs(own - whole) / whole,
  };
}

function rmsError({ data }: HostTensor, exact: HostTensor): number {
  let [off, all] = [0, 0];
  for (const [i, value] of exact.data.entries()) {
    off += (data[i]! - value) ** 2;
    all += value ** 2;
  }
  return Math.sqrt(off / all);
}

/** AT's, of a student that has the maps of the batch's other order. */
function lossOf(maps: readonly HostTensor[]): number {
  return tf.tidy(() => {
    const losses = maps.map(({ shape, data }) => {
      const teacher = tf.tensor4d(data, shape as tf.Tensor4D['shape']);
      return attentionTransfer(tf.reverse(teacher, 0), teacher);
    });
    return tf.addN(losses).dataSync()[0]!;
  });
}
