import { applyView, viewOf } from '#distill/data/augment.js';
import type { Dataset } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { epochOrder } from '#distill/data/order.js';
import {
  dataSeedOf,
  type Experiment,
  needsOf,
  weightsAt,
} from '#distill/experiment.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { isMapName, mapNamesOf } from '#distill/map-names.js';
import { mapShapesOf } from '#distill/map-shapes.js';
import { createNetwork } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import { withPrefix } from '#distill/prefixes.js';
import { type Precision, roundRows } from '#distill/precision.js';
import { embed, projectionFor } from '#distill/projection.js';
import { FifoQueue } from '#distill/queue.js';
import { learningRateAt } from '#distill/schedule.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import { sizeOf } from '#distill/tensors.js';
import { teacherTensors, weightTensors } from '#distill/step-inputs.js';
import {
  createTrainProgram,
  type TrainProgramOptions,
} from '#distill/train-program.js';
import type { Engine } from '#runtime/compute/engine.js';
import { memoriesByHand } from './memories-by-hand.js';
import { openRanks, type RankedStudent } from './ranks-by-hand.js';
import { viewsByHand } from './views-by-hand.js';

export interface OneProcessOptions {
  readonly experiment: Experiment;
  readonly engine: Engine;
  readonly dataset: Dataset;
  readonly teacher?: {
    readonly network: Network;
    readonly state: NamedHostTensors;
  };
  /** Steps to take. */
  readonly steps: number;
  /**
   * The teacher's outputs by step: what is there is not computed again, and
   * what is not is put there. Without it every step computes them.
   */
  readonly taught?: Map<number, NamedHostTensors>;
  /** What other runs put into the queue before this one's rows of a step. */
  readonly foreign?: (step: number) => readonly Float32Array[];
}

export interface OneProcessResult {
  /** The total loss at every step. */
  readonly losses: readonly number[];
  /** All tensors of the train program after the last step. */
  readonly state: NamedHostTensors;
  /** Time of all steps but the first, which compiles. */
  readonly imagesPerSecond: number;
  /** Processor time of a step, the same ones, on average. */
  readonly cpuMs: number;
}

/**
 * The reference that the services must equal: the same experiment as one loop,
 * without gRPC, bus, threads, prefetch or a second copy of anything.
 */
export async function trainInOneProcess(
  options: OneProcessOptions,
): Promise<OneProcessResult> {
  const { experiment, engine, dataset, steps } = options;
  const { ranks, training, bank } = experiment;
  const student = await openStudent(engine, {
    network: createNetwork(
      experiment.student.network,
      dataset.classNames.length,
    ),
    experiment,
    imageShape: dataset.imageShape,
    teacherFeatureDim: options.teacher?.network.featureDim ?? 0,
    teacherMaps: teacherMapsOf(options),
    sampleCount: dataset.split('train').size,
  });
  const teacher = options.teacher && (await openTeacher(options));
  const order = needsOf(experiment).queue;
  const queue = order && FifoQueue.create(bank);
  const memories = memoriesByHand(experiment, dataset);
  const viewsOf = async (views: NamedHostTensors) => {
    const each = Object.entries(views).map(async ([name, images]) => {
      const taught = teacherTensors((await teacher?.(images)) ?? {});
      return withPrefix(name, { images, ...taught });
    });
    return Object.assign({}, ...(await Promise.all(each))) as NamedHostTensors;
  };
  const losses: number[] = [];
  let startedMs = performance.now();
  let before = process.cpuUsage();
  for (let step = 0; step < steps; step++) {
    if (step === 1) {
      startedMs = performance.now();
      before = process.cpuUsage();
    }
    const batch = await batchAt(step, experiment, dataset);
    const { epoch, images, labels, indices } = batch;
    const taught: NamedHostTensors =
      options.taught?.get(step) ?? (await teacher?.(images)) ?? {};
    options.taught?.set(step, taught);
    const { embeddings } = taught;
    const enqueue = () => {
      const own = roundRows(embeddings?.data as Float32Array, bank.precision);
      for (const rows of [...(options.foreign?.(step) ?? []), own])
        queue?.enqueue(rows);
    };
    if (order === 'before') enqueue();
    const rate = learningRateAt(epoch, training);
    const outputs = await student.run(
      pick(student.inputs, {
        images,
        labels,
        learningRate: { shape: [], data: Float32Array.of(rate) },
        ...teacherTensors(taught),
        ...weightTensors(experiment.loss, weightsAt(experiment.loss, epoch)),
        ...(await viewsOf(batch.views)),
        ...memories?.inputs(epoch, indices),
        ...(queue && {
          queue: { shape: [queue.capacity, queue.featDim], data: queue.rows },
        }),
      }),
    );
    if (order === 'after') enqueue();
    memories?.move(indices, outputs);
    losses.push(outputs['loss']!.data[0]!);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const imagesPerSecond = ((steps - 1) * ranks * training.batchSize) / seconds;
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000 / (steps - 1);
  const state = { ...(await student.readState()), ...memories?.state() };
  return { losses, state, imagesPerSecond, cpuMs };
}

/** One rank's step as one program; several ranks' by hand. */
async function openStudent(
  engine: Engine,
  options: TrainProgramOptions & { readonly experiment: Experiment },
): Promise<RankedStudent> {
  const { ranks, training } = options.experiment;
  if (ranks > 1) return openRanks(engine, options);
  const { program, initialState } = createTrainProgram(options);
  const executable = await engine.compile(program, initialState(training.seed));
  return {
    inputs: program.inputs,
    run: (inputs) => executable.run(inputs),
    readState: () => executable.readState(),
  };
}

/** Batch `step` of the run: the views of its epoch, in its epoch's order. */
export async function batchAt(
  step: number,
  experiment: Experiment,
  dataset: Dataset,
) {
  const { ranks, training } = experiment;
  const seed = dataSeedOf(training);
  const batchSize = ranks * training.batchSize;
  const { imageShape, normalization } = dataset;
  const train = dataset.split('train');
  const stepsPerEpoch = Math.floor(train.size / batchSize);
  const epoch = Math.floor(step / stepsPerEpoch) + 1;
  const start = (step % stepsPerEpoch) * batchSize;
  const order = epochOrder(seed, epoch, train.size);
  const indices = [...order.subarray(start, start + batchSize)];
  const drawnWith = (seed: number) =>
    pixelsOf(dataset, training, { indices, epoch, seed });
  const imagesOf = (pixels: Uint8Array) => ({
    shape: [batchSize, ...imageShape],
    data: normalize(pixels, normalization),
  });
  const pixels = await drawnWith(seed);
  const samples = { epoch, indices, pixels, drawnWith };
  const views = await viewsByHand(experiment, dataset, samples);
  const labels = Int32Array.from(indices, (index) => train.label(index));
  return {
    ...{ epoch, indices, images: imagesOf(pixels) },
    labels: { shape: [batchSize], data: labels },
    views: Object.fromEntries(
      Object.entries(views).map(([name, seen]) => [name, imagesOf(seen)]),
    ),
  };
}

/** The views of samples in an epoch. */
async function pixelsOf(
  dataset: Dataset,
  { augmentation }: Experiment['training'],
  { indices, epoch, seed }: { indices: number[]; epoch: number; seed: number },
): Promise<Uint8Array> {
  const { imageShape } = dataset;
  const train = dataset.split('train');
  if (augmentation === 'random-resized-crop')
    return new Uint8Array(await train.resizedCrops!(indices, { seed, epoch }));
  const stored = await train.images(indices);
  const pixels = new Uint8Array(stored);
  const size = sizeOf(imageShape);
  for (const [i, index] of indices.entries()) {
    if (augmentation !== 'crop-flip') break;
    const [from, to] = [i * size, (i + 1) * size];
    const view = viewOf(seed, epoch, index);
    applyView(
      stored.subarray(from, to),
      imageShape,
      view,
      pixels.subarray(from, to),
    );
  }
  return pixels;
}

/** Shapes of the teacher's maps, if the loss reads them. */
function teacherMapsOf({ experiment, teacher, dataset }: OneProcessOptions) {
  if (!teacher || !needsOf(experiment).maps) return [];
  return mapShapesOf(teacher.network, dataset.imageShape);
}

/** The frozen teacher: images to logits, embeddings and the maps needed. */
async function openTeacher(options: OneProcessOptions) {
  const { engine, dataset, experiment } = options;
  const { network, state } = options.teacher!;
  const { ranks, bank, training } = experiment;
  const mapCount = teacherMapsOf(options).length;
  const maps = mapNamesOf(needsOf(experiment), mapCount);
  const program = createForwardProgram(
    network,
    dataset.imageShape,
    ranks * training.batchSize,
    { wanted: (name) => maps.has(name) },
  );
  const executable = await engine.compile(program, state);
  const projection = projectionFor(
    bank.projectionSeed,
    network.featureDim,
    bank.featDim,
  );
  return async (images: HostTensor) => {
    const outputs = await executable.run({ images });
    return {
      ...mapsRounded(outputs, experiment.teacher!.mapPrecision),
      embeddings: embed(outputs['features']!, projection),
    };
  };
}

function mapsRounded(
  outputs: NamedHostTensors,
  precision: Precision,
): NamedHostTensors {
  const rounded = Object.entries(outputs).map(([name, { shape, data }]) => {
    const values = isMapName(name)
      ? roundRows(data as Float32Array, precision)
      : data;
    return [name, { shape, data: values }] as const;
  });
  return Object.fromEntries(rounded);
}

function pick(
  wanted: Readonly<Record<string, unknown>>,
  tensors: NamedHostTensors,
): NamedHostTensors {
  return Object.fromEntries(
    Object.entries(tensors).filter(([name]) => name in wanted),
  );
}
