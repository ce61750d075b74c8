import { loadavg } from 'node:os';
import {
  benchTeacherForward,
  resnet32x4,
  resnet34,
  type ForwardWorkload,
} from '../teacher-forward.js';
import type { Sides } from '../side-by-side.js';
import { measureBatching, measureEngine } from './batching.js';
import { round } from '../statistics.js';
import { measureStreams } from './stream.js';

/**
 * `npm run bench -- teacher-service`: teacher and clients are processes of
 * their own on this machine's cores, which the engine alone has for itself. `int8`
 * and `forwards` are a forward beside PyTorch's, see teacher-forward.
 */
export async function benchTeacherService(): Promise<object> {
  const seconds = 12;
  const streams = await measureStreams();
  console.log('MiB/s in messages of 200 KB:', streams);
  const before = await measureEngine(seconds / 4);
  console.log('the engine alone, img/s by batch size:', before);
  const cases = await measureBatching([1, 4, 16, 64], seconds);
  for (const load of cases) console.log('clients of batch 4:', load);
  const after = await measureEngine(seconds / 4);
  const best = (before.best + after.best) / 2;
  const forwards = await measureForwards();
  const fraction = (rate: number) => round(rate / best);
  const sixteen = cases.find(({ clients }) => clients === 16)!;
  return {
    fractionOfBest16: fraction(sixteen.with.imagesPerSecond),
    p95Ratio16: round(sixteen.with.p95Ms / sixteen.without.p95Ms),
    streamRatioTcp: round(streams.stream / streams.tcp),
    streamRatioHttp2: round(streams.stream / streams.http2),
    streamRatioHttp2Window: round(streams.stream / streams.http2Window),
    streamRatioUnary: round(streams.stream / streams.unary),
    int8: forwards.find(isPaperStep)?.int8,
    forwards,
    engine: before.engine,
    engineImagesPerSecond: round(best),
    loads: cases.map((load) => ({
      clients: load.clients,
      fractionOfBest: fraction(load.with.imagesPerSecond),
      fractionWithout: fraction(load.without.imagesPerSecond),
      ...{ with: load.with, without: load.without },
    })),
    ...{ streams, loadAverage: loadavg()[0] },
  };
}

/** A batch of the paper's runs. */
const isPaperStep = ({ network, batchSize }: ForwardWorkload) =>
  network === resnet32x4.network && batchSize === 64;

/** Both teachers, by batch size. */
async function measureForwards() {
  const forwards = [];
  for (const teacher of [resnet32x4, resnet34]) {
    for (const batchSize of [1, 8, 64, 256])
      forwards.push(await measureForward({ ...teacher, batchSize }));
  }
  return forwards;
}

const forwardSides: Sides = {
  engines: ['onnx'],
  halves: ['tensorflow'],
  peer: 'cpu',
};

/** ONNX Runtime in float32 and in int8, TensorFlow in bfloat16. */
async function measureForward(workload: ForwardWorkload) {
  const { results } = await benchTeacherForward(forwardSides, workload);
  const { onnx, bfloat16, int8 } = results;
  const rowOf = (result: typeof onnx) => {
    if (!result) return undefined;
    const { ratio, featureCosine, ours } = result;
    const imagesPerSecond = round((1000 * workload.batchSize) / ours.medianMs);
    return { ratio: round(ratio), featureCosine, imagesPerSecond };
  };
  const [float32, half] = [rowOf(onnx), rowOf(bfloat16)];
  return { ...workload, float32, bfloat16: half, int8: rowOf(int8) };
}
