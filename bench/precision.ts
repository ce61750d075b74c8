import * as tf from '@tensorflow/tfjs';
import { rngFrom } from '#distill/data/rng.js';
import { relational } from '#distill/losses/relational.js';
import {
  bytesPerValue,
  encodeRows,
  type Precision,
  precisions,
  roundRows,
} from '#distill/precision.js';
import { presets } from '#distill/temperature.js';
import { toWireRows } from '#runtime/bank/wire-rows.js';
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import { connect } from '#runtime/rpc/client.js';
import { spawnService } from '../test/processes.js';
import { measureMapPrecision } from './map-precision.js';

/** A queue as CIFAR runs have it, and what one step brings. */
const capacity = 16384;
const featDim = 128;
const batchRows = 64;
const steps = 200;

/**
 * `npm run bench -- precision`: what halves in the queue save, and what they
 * cost: bytes down a step, bytes of rows, how far a row of norm 1 is off, and how
 * far RRD's loss and its gradient are, beside the same queue in float32; and
 * the same of a teacher's maps.
 */
export async function benchPrecision(): Promise<object> {
  await tf.setBackend('cpu');
  const rows = unitRows('queue', capacity);
  const results: Record<string, object> = {};
  for (const precision of precisions) {
    const measured = {
      bytesPerStep: await bytesPerStep(rows, precision),
      rowBytes: capacity * featDim * bytesPerValue(precision),
      ...rowError(rows, precision),
      ...lossError(rows, precision),
    };
    console.log(precision, measured);
    results[precision] = measured;
  }
  const maps = await measureMapPrecision();
  console.log('maps', maps);
  return { ...results, maps };
}

/** Rows around 100 directions, as embeddings of 100 classes are. */
function unitRows(label: string, count: number): Float32Array {
  const rng = rngFrom(0, label);
  const classes = Array.from({ length: 100 }, (_, c) => {
    const own = rngFrom(0, 'class', c);
    return Float32Array.from({ length: featDim }, () => own.normal());
  });
  const rows = new Float32Array(count * featDim);
  for (let row = 0; row < count; row++) {
    const centre = classes[rng.integer(classes.length)]!;
    const values = centre.map((value) => value + rng.normal());
    const norm = Math.hypot(...values);
    rows.set(
      values.map((value) => value / norm),
      row * featDim,
    );
  }
  return rows;
}

/** Messages of a subscription, from a bank in a process of its own. */
async function bytesPerStep(
  rows: Float32Array,
  precision: Precision,
): Promise<number> {
  const bank = await spawnService('memory-bank', {});
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  const spec = {
    ...{ queue: 'q', capacity, featDim, worldSize: 1, teacherDigest: 'bench' },
    init: 'QUEUE_INIT_ROWS' as const,
    precision: toWirePrecision(precision),
  };
  await client.createQueue({ spec, epoch: 1 });
  const stored = encodeRows(rows.subarray(0, batchRows * featDim), precision);
  const batch = { queue: 'q', epoch: 1, teacherDigest: 'bench' };
  for (let step = 0; step < steps; step++) {
    const batchId = { runId: 'bench', step, rank: 0 };
    const wire = toWireRows(stored, { featDim, precision });
    await client.enqueue({ ...batch, batchId, rows: wire });
  }
  const reader = connect('rrd.v1.MemoryBankService', bank.address);
  let seen = 0;
  for await (const { delta } of reader.subscribe({
    ...{ queue: 'q', fromVersion: 0 },
  })) {
    if (delta && ++seen === steps) break;
  }
  const { received } = reader.bytes;
  reader.close();
  client.close();
  await bank.kill();
  return Math.round(received / steps);
}

/** |rounded - row|, of rows of norm 1. */
function rowError(rows: Float32Array, precision: Precision) {
  const rounded = roundRows(rows, precision);
  let maxRowError = 0;
  for (let start = 0; start < rows.length; start += featDim) {
    let squares = 0;
    for (let i = start; i < start + featDim; i++)
      squares += (rounded[i]! - rows[i]!) ** 2;
    maxRowError = Math.max(maxRowError, Math.sqrt(squares));
  }
  return { maxRowError };
}

/** Of each preset: the loss beside float32's, and its gradient. */
function lossError(rows: Float32Array, precision: Precision) {
  const teacher = tf.tensor2d(unitRows('teacher', batchRows), [
    ...([batchRows, featDim] as const),
  ]);
  const student = tf.tensor2d(unitRows('student', batchRows), [
    ...([batchRows, featDim] as const),
  ]);
  const of = (values: Float32Array, preset: keyof typeof presets) => {
    const queue = tf.tensor2d(values, [capacity, featDim]);
    const { value, grad } = tf.valueAndGrad((input: tf.Tensor) => {
      return relational(input as tf.Tensor2D, teacher, queue, presets[preset])
        .loss;
    })(student);
    return { loss: value.dataSync()[0]!, gradient: grad.dataSync() };
  };
  const rounded = roundRows(rows, precision);
  const errors = Object.keys(presets).map((name) => {
    const preset = name as keyof typeof presets;
    const [exact, own] = [of(rows, preset), of(rounded, preset)];
    const off = own.gradient.map((value, i) => value - exact.gradient[i]!);
    const loss = Math.abs(own.loss - exact.loss) / exact.loss;
    const gradient = Math.hypot(...off) / Math.hypot(...exact.gradient);
    return [preset, { loss, gradient }] as const;
  });
  return { relativeErrors: Object.fromEntries(errors) };
}
