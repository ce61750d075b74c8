import {
  FifoQueue,
  type QueueSnapshot,
  type QueueUpdate,
} from '#distill/queue.js';
import type { Dataset } from '#distill/data/dataset.js';
import { type Experiment, needsOf } from '#distill/experiment.js';
import type { MapShape } from '#distill/methods/method.js';
import { MapMismatchError } from '#distill/methods/maps.js';
import { createNetwork } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import { rememberedOf } from '#distill/objective.js';
import { createRankPrograms } from '#distill/rank-programs.js';
import type { Phase } from '#distill/phases.js';
import { carriedOver, createStageProgram } from '#distill/stage-program.js';
import { sides, teacherTensors, weightTensors } from '#distill/step-inputs.js';
import { withPrefix } from '#distill/prefixes.js';
import type { SampleMemory } from '#distill/sample-memory.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import {
  createTrainProgram,
  type TrainProgramOptions,
  type TrainTensors,
} from '#distill/train-program.js';
import { momentumOf } from '#distill/train-step.js';
import type { Engine, Executable } from '#runtime/compute/engine.js';
import { ConfigInvalidError } from '#runtime/errors.js';
import { BatchReader } from './batch-reader.js';
import type { BatchSource } from './batch-thread.js';
import { type Plan, planOf, viewSettingsOf } from './plan.js';
import {
  mapSides,
  memoryTensors,
  restored,
  splitMemories,
} from './memory-state.js';
import { RankStep } from './rank-step.js';
import { measurementsOf, type StepSettings } from './step-measurements.js';
import type {
  ApplyInputs,
  BySide,
  MirroredRows,
  MovedRows,
  RankGradients,
  RankInputs,
  StepMeasurements,
  StepResult,
} from './trainer-api.js';

export interface TrainingOptions {
  readonly engine: Engine;
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly batches: BatchSource;
  /** 0 if there is no teacher. */
  readonly teacherFeatureDim: number;
  readonly teacherMaps: readonly MapShape[];
  /** Of a checkpoint; without it, drawn from the experiment's seed. */
  readonly from?: { readonly step: number; readonly state: NamedHostTensors };
}

/** The queue as a step reads it. */
interface StepQueue {
  readonly step: number;
  readonly queue: FifoQueue;
  readonly committed: readonly QueueUpdate[];
}

/**
 * The network being trained and its mirror of the queue. A run of one rank
 * takes its steps whole; of several, in halves, with the mean in between.
 */
export class Training {
  readonly network: Network;
  readonly plan: Plan;
  readonly #options: TrainingOptions;
  #program: Executable | RankStep;
  /** An index of the plan's phases. */
  #phase: number;
  readonly #batches: BatchReader;
  #queue: FifoQueue | undefined;
  #memories: BySide<SampleMemory> | undefined;
  #ahead: StepQueue | undefined;

  static async create(options: TrainingOptions): Promise<Training> {
    const { experiment, dataset } = options;
    const network = createNetwork(
      experiment.student.network,
      dataset.classNames.length,
    );
    const plan = planOf(experiment, {
      trainSize: dataset.split('train').size,
      shardSizes: dataset.shardSizes,
    });
    const phase = plan.phaseOf(options.from?.step ?? 0);
    const place = { network, phase: plan.phases[phase]! };
    const program = await compile(options, place, () => options.from?.state);
    return new Training(options, network, plan, program, phase);
  }

  private constructor(
    options: TrainingOptions,
    network: Network,
    plan: Plan,
    program: Executable | RankStep,
    phase: number,
  ) {
    const { experiment, dataset, batches } = options;
    this.network = network;
    this.plan = plan;
    this.#options = options;
    this.#program = program;
    this.#phase = phase;
    const { samples } = needsOf(experiment);
    const views = viewSettingsOf(experiment);
    const train = dataset.split('train');
    this.#batches = new BatchReader(batches, views, plan, samples, train);
  }

  /** Sets the mirrors' rows. */
  mirror({ queue, memories }: MirroredRows): void {
    this.#queue = queue && FifoQueue.restore(queue);
    this.#memories = memories && mapSides(memories, restored);
    this.#ahead = undefined;
  }

  /**
   * A whole step of the only rank.
   * @throws NonFiniteLossError that names the term
   */
  async step(inputs: RankInputs): Promise<StepResult> {
    const { experiment } = this.#options;
    const { step, committed } = inputs;
    const enqueue = () => committed && this.#queue?.follow(committed);
    const order = needsOf(experiment).queue;
    const program = this.#whole;
    const given = await this.#given(inputs);
    if (order === 'before') enqueue();
    const settings = this.#settingsOf(step);
    const { learningRate } = settings;
    const outputs = await program.run({
      ...given,
      ...queueTensor(this.#queue),
      learningRate: { shape: [], data: Float32Array.of(learningRate) },
    });
    if (order === 'after') enqueue();
    const { remembered, scalars } = this.#sorted(inputs, outputs);
    const measured = measurementsOf(settings, scalars);
    await this.#enterPhaseOf(step + 1);
    return { measured, ...(remembered && { remembered }) };
  }

  /** The first half of a step, of one of several ranks. */
  async gradients(inputs: RankInputs): Promise<RankGradients> {
    const halves = this.#halves;
    const given = await this.#given(inputs);
    const queue = this.#queueAt(inputs);
    const all = { ...given, ...queueTensor(queue) };
    const { others, ...part } = await halves.gradients(inputs.rank, all);
    const { remembered } = this.#sorted(inputs, others);
    return { ...part, ...(remembered && { remembered }) };
  }

  /**
   * The second half, after the first half of a rank of ours. From here on the
   * step counts.
   * @throws NonFiniteLossError that names the term
   */
  async apply(inputs: ApplyInputs): Promise<StepMeasurements> {
    const { step, mean, elsewhere } = inputs;
    const settings = this.#settingsOf(step);
    const halves = this.#halves;
    const { learningRate } = settings;
    const scalars = await halves.apply(mean, learningRate, elsewhere);
    const { committed } = this.#ahead ?? {};
    if (committed) this.#queue?.follow(committed);
    this.#ahead = undefined;
    return measurementsOf(settings, scalars);
  }

  /** Takes over commits that the queue lacks. */
  follow(commits: readonly QueueUpdate[]): void {
    this.#queue?.follow(commits);
    this.#ahead = undefined;
  }

  /** Takes over what the bank has moved for a step. */
  remember(moved: BySide<MovedRows>): void {
    for (const side of sides) {
      const { slots, rows } = moved[side];
      this.#memories?.[side].put(slots, rows);
    }
  }

  /** The network's tensors by their torch names. */
  readNetwork(): Promise<NamedHostTensors> {
    const { parameters, buffers } = this.network;
    return this.#program.readState(Object.keys({ ...parameters, ...buffers }));
  }

  /** Those of them that no gradient changes, as rank 0 has them. */
  readBuffers(): Promise<NamedHostTensors> {
    return this.#program.readState(Object.keys(this.network.buffers));
  }

  /** What training carries along: network, heads, momentum, memories; a copy. */
  async readState(): Promise<NamedHostTensors> {
    const state = await this.#program.readState();
    return { ...state, ...structuredClone(memoryTensors(this.#memories)) };
  }

  /** What all ranks share: weights and their momentum. */
  async readShared(): Promise<NamedHostTensors> {
    const state = await this.readState();
    const shared = Object.entries(state).flatMap(([name, weight]) => {
      const momentum = state[momentumOf(name)];
      return momentum
        ? Object.entries({ [name]: weight, [momentumOf(name)]: momentum })
        : [];
    });
    return Object.fromEntries(shared);
  }

  /** Goes on from there: all of it, as `readState` and `readQueue` gave it. */
  async writeState(
    state: NamedHostTensors,
    queue: QueueSnapshot | undefined,
  ): Promise<void> {
    const { tensors, memories } = splitMemories(state, 0);
    await this.#program.writeState(tensors);
    this.mirror({ ...(queue && { queue }), ...(memories && { memories }) });
  }

  readQueue(): QueueSnapshot | undefined {
    return this.#queue?.snapshot();
  }

  get #whole(): Executable {
    if (!(this.#program instanceof RankStep)) return this.#program;
    throw new Error('several ranks take a step in halves');
  }

  get #halves(): RankStep {
    if (this.#program instanceof RankStep) return this.#program;
    throw new Error('a single rank takes a step whole');
  }

  /** What the next step needs: a checkpoint before it has its state. */
  async #enterPhaseOf(step: number): Promise<void> {
    const phase = this.plan.phaseOf(step);
    if (phase === this.#phase) return;
    const before = await this.#program.readState();
    const place = { network: this.network, phase: this.plan.phases[phase]! };
    const program = await compile(this.#options, place, (first) =>
      carriedOver(first, before),
    );
    this.#whole.dispose();
    this.#program = program;
    this.#phase = phase;
  }

  /** What a rank's step reads but the queue. */
  async #given(inputs: RankInputs): Promise<NamedHostTensors> {
    const { step, rank, teacher, views } = inputs;
    const batch = await this.#batches.take(step, rank);
    const { loss } = this.plan.phases[this.#phase]!;
    const seen = Object.entries(views).map(([name, outputs]) =>
      withPrefix(name, teacherTensors(outputs)),
    );
    return {
      ...batch,
      ...teacherTensors(teacher),
      ...(Object.assign({}, ...seen) as NamedHostTensors),
      ...memoryTensors(this.#memories),
      ...weightTensors(loss, this.plan.weightsOf(step)),
    };
  }

  #settingsOf(step: number): StepSettings {
    const { plan } = this;
    const learningRate = plan.learningRateOf(step);
    return { step, learningRate, weights: plan.weightsOf(step) };
  }

  /** A program's outputs: what is measured, and what is to be remembered. */
  #sorted({ step, rank }: RankInputs, outputs: NamedHostTensors) {
    const {
      [rememberedOf('student')]: student,
      [rememberedOf('teacher')]: teacher,
      ...scalars
    } = outputs;
    const { indices: samples } = this.plan.rankBatchOf(step, rank);
    const remembered = student && teacher && { samples, student, teacher };
    return { scalars, remembered };
  }

  /** A copy where the step's rows come first: they count only once it does. */
  #queueAt({ step, committed }: RankInputs): FifoQueue | undefined {
    const queue = this.#queue;
    if (!queue || !committed) return queue;
    const isSame = ({ step: other, committed: known }: StepQueue) =>
      other === step && known.at(-1)?.version === committed.at(-1)?.version;
    if (!this.#ahead || !isSame(this.#ahead)) {
      const order = needsOf(this.#options.experiment).queue;
      const seen =
        order === 'before' ? FifoQueue.adopt(queue.snapshot()) : queue;
      if (order === 'before') seen.follow(committed);
      this.#ahead = { step, queue: seen, committed };
    }
    return this.#ahead.queue;
  }
}

/** @param begin the state to begin with, given the first one; or that, if none */
async function compile(
  { engine, experiment, dataset, ...options }: TrainingOptions,
  { network, phase }: { readonly network: Network; readonly phase: Phase },
  begin: (first: NamedHostTensors) => NamedHostTensors | undefined,
): Promise<Executable | RankStep> {
  const { ranks, training } = experiment;
  const { teacherFeatureDim, teacherMaps } = options;
  const sampleCount = dataset.split('train').size;
  const program: TrainProgramOptions = {
    ...{ network, experiment: { ...experiment, loss: phase.loss } },
    ...{ imageShape: dataset.imageShape, teacherFeatureDim, teacherMaps },
    sampleCount,
  };
  const stateOf = ({ initialState }: Pick<TrainTensors, 'initialState'>) => {
    const first = initialState(training.seed);
    return begin(first) ?? first;
  };
  try {
    if (ranks > 1) {
      const halves = createRankPrograms(program);
      return await RankStep.create(engine, halves, stateOf(halves));
    }
    const whole = phase.stage
      ? createStageProgram(program, phase.stage)
      : createTrainProgram(program);
    return await engine.compile(whole.program, stateOf(whole));
  } catch (error) {
    throw error instanceof MapMismatchError
      ? mapsDiffer(network, error)
      : error;
  }
}

/** Networks that a term cannot compare. */
function mapsDiffer({ name }: Network, { message }: MapMismatchError) {
  const fields = { source: 'experiment', line: 0, field: 'student.network' };
  const expected = `one whose maps fit the teacher's (${message})`;
  return new ConfigInvalidError({ ...fields, value: name, expected });
}

function queueTensor(queue: FifoQueue | undefined): NamedHostTensors {
  if (!queue) return {};
  const shape = [queue.capacity, queue.featDim];
  return { queue: { shape, data: queue.rows } };
}
