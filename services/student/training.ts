import { FifoQueue, type QueueSnapshot } from '#distill/queue.js';
import type { Dataset } from '#distill/data/dataset.js';
import {
  type Experiment,
  needsOf,
  weightedTerms,
} from '#distill/experiment.js';
import type { MapShape, TeacherTensor } from '#distill/methods/method.js';
import { MapMismatchError } from '#distill/methods/maps.js';
import { createNetwork } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import { teacherInput } from '#distill/objective.js';
import { learningRateAt } from '#distill/schedule.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import {
  createTrainProgram,
  type TrainProgram,
  type TrainProgramOptions,
} from '#distill/train-program.js';
import type { Engine, Executable } from '#runtime/compute/engine.js';
import { ConfigInvalidError, NonFiniteLossError } from '#runtime/errors.js';
import { type Batch, batchOf } from './batches.js';
import { type Plan, planOf } from './plan.js';
import type {
  StepInputs,
  StepMeasurements,
  TeacherOutputs,
} from './trainer-api.js';

export interface TrainingOptions {
  readonly engine: Engine;
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  /** 0 if there is no teacher. */
  readonly teacherFeatureDim: number;
  readonly teacherMaps: readonly MapShape[];
  /** Of a checkpoint; without it, drawn from the experiment's seed. */
  readonly state?: NamedHostTensors;
}

/** The network being trained and its mirror of the queue. */
export class Training {
  readonly network: Network;
  readonly plan: Plan;
  readonly #options: TrainingOptions;
  readonly #executable: Executable;
  #queue: FifoQueue | undefined;
  #ahead: { readonly step: number; readonly batch: Promise<Batch> } | undefined;

  static async create(options: TrainingOptions): Promise<Training> {
    const { engine, experiment, dataset } = options;
    const { teacherFeatureDim, teacherMaps } = options;
    const { imageShape, classNames } = dataset;
    const network = createNetwork(
      experiment.student.network,
      classNames.length,
    );
    const { program, initialState } = trainProgramOf({
      network,
      experiment,
      imageShape,
      ...{ teacherFeatureDim, teacherMaps },
    });
    const state = options.state ?? initialState(experiment.training.seed);
    const executable = await engine.compile(program, state);
    return new Training(options, network, executable);
  }

  private constructor(
    options: TrainingOptions,
    network: Network,
    executable: Executable,
  ) {
    const { experiment, dataset } = options;
    this.network = network;
    this.plan = planOf(experiment, {
      trainSize: dataset.split('train').size,
      shardSizes: dataset.shardSizes,
    });
    this.#options = options;
    this.#executable = executable;
  }

  /** Sets the mirror's rows. */
  mirror(snapshot: QueueSnapshot): void {
    this.#queue = FifoQueue.restore(snapshot);
  }

  /** @throws NonFiniteLossError that names the term */
  async step(inputs: StepInputs): Promise<StepMeasurements> {
    const { experiment } = this.#options;
    const { training } = experiment;
    const { step, teacher, committed } = inputs;
    const enqueue = () => committed && this.#queue?.enqueue(committed);
    const order = needsOf(experiment).queue;
    const batch = await this.#take(step);
    const learningRate = learningRateAt(this.plan.epochOf(step), training);
    if (order === 'before') enqueue();
    const outputs = await this.#executable.run({
      ...batch,
      ...teacherTensors(teacher),
      ...this.#queueTensor(),
      learningRate: { shape: [], data: Float32Array.of(learningRate) },
    });
    if (order === 'after') enqueue();
    return measurementsOf(experiment, step, learningRate, outputs);
  }

  /** The network's tensors by their torch names. */
  readNetwork(): Promise<NamedHostTensors> {
    const { parameters, buffers } = this.network;
    return this.#executable.readState(
      Object.keys({ ...parameters, ...buffers }),
    );
  }

  /** Everything that training carries along: network, heads, momentum. */
  readState(): Promise<NamedHostTensors> {
    return this.#executable.readState();
  }

  readQueue(): QueueSnapshot | undefined {
    return this.#queue?.snapshot();
  }

  /** The batch of `step`; the next one is read while this one computes. */
  async #take(step: number): Promise<Batch> {
    const ahead = this.#ahead;
    const batch = await (ahead?.step === step ? ahead.batch : this.#read(step));
    const next = step + 1;
    if (next < this.plan.totalSteps) {
      const coming = this.#read(next);
      // Whoever takes it sees the failure; until then it is not lost.
      coming.catch(() => {});
      this.#ahead = { step: next, batch: coming };
    }
    return batch;
  }

  #read(step: number): Promise<Batch> {
    const { dataset, experiment } = this.#options;
    return batchOf(dataset, experiment.training, this.plan.batchOf(step));
  }

  #queueTensor(): NamedHostTensors {
    const queue = this.#queue;
    if (!queue) return {};
    const shape = [queue.capacity, queue.featDim];
    return { queue: { shape, data: queue.rows } };
  }
}

/** @throws ConfigInvalidError for networks that a term cannot compare */
function trainProgramOf(options: TrainProgramOptions): TrainProgram {
  try {
    return createTrainProgram(options);
  } catch (cause) {
    if (!(cause instanceof MapMismatchError)) throw cause;
    const { name } = options.network;
    const fields = { source: 'experiment', line: 0, field: 'student.network' };
    const expected = `one whose maps fit the teacher's (${cause.message})`;
    throw new ConfigInvalidError({ ...fields, value: name, expected });
  }
}

function teacherTensors(outputs: TeacherOutputs): NamedHostTensors {
  const entries = Object.entries(outputs) as [TeacherTensor, HostTensor][];
  return Object.fromEntries(
    entries.map(([output, tensor]) => [teacherInput(output), tensor]),
  );
}

function measurementsOf(
  { loss }: Experiment,
  step: number,
  learningRate: number,
  outputs: NamedHostTensors,
): StepMeasurements {
  const values = Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, data[0]!]),
  );
  const weights: Record<string, number> = { crossEntropy: loss.crossEntropy };
  for (const { name, params } of weightedTerms({ loss })) {
    weights[name] = params.weight;
  }
  const lossTerms: Record<string, number> = {};
  for (const [term, weight] of Object.entries(weights)) {
    if (weight > 0) lossTerms[term] = weight * takeOut(values, term);
  }
  const total = takeOut(values, 'loss');
  for (const [lossTerm, value] of Object.entries({ ...lossTerms, total })) {
    if (!Number.isFinite(value))
      throw new NonFiniteLossError({ step, lossTerm });
  }
  return { loss: total, lossTerms, measurements: values, learningRate };
}

function takeOut(values: Record<string, number>, name: string): number {
  const value = values[name] ?? NaN;
  delete values[name];
  return value;
}
