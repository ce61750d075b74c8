import type { NetworkName } from '#distill/models/index.js';
import { type Experiment, experimentSchema } from '#distill/experiment.js';

/** The methods that quickstart compares, in the order of its table. */
export const comparedMethods = ['ce', 'kd', 'rrd', 'rrd+kd'] as const;
export type ComparedMethod = (typeof comparedMethods)[number];

export interface QuickstartOptions {
  readonly dataset: string;
  readonly teacherNetwork: NetworkName;
  readonly studentNetwork: NetworkName;
  readonly epochs: number;
  readonly teacherEpochs: number;
  readonly capacity: number;
  readonly seed: number;
  /** The name that the trained teacher is served under. */
  readonly model: string;
}

/** Hinton's recipe for KD, the paper's for RRD; weights as in the paper. */
const losses: Record<ComparedMethod, unknown> = {
  ce: { crossEntropy: 1 },
  kd: { crossEntropy: 0.1, kd: { weight: 0.9, temperature: 4 } },
  rrd: { crossEntropy: 1, rrd: rrdTerm() },
  'rrd+kd': {
    crossEntropy: 1,
    kd: { weight: 1, temperature: 4 },
    rrd: rrdTerm(),
  },
};

function rrdTerm() {
  return { weight: 1, preset: 'cli', enqueue: 'before' };
}

/** The paper's schedule (240 epochs, drops behind 150, 180, 210), scaled. */
function training(epochs: number, seed: number) {
  const milestones = [150, 180, 210].map((milestone) =>
    Math.max(1, Math.round((milestone / 240) * epochs)),
  );
  return { epochs, batchSize: 64, seed, milestones };
}

export function teacherExperiment(options: QuickstartOptions): Experiment {
  return experimentSchema.parse({
    name: `quickstart-teacher`,
    dataset: options.dataset,
    student: { network: options.teacherNetwork },
    loss: losses.ce,
    training: training(options.teacherEpochs, options.seed),
  });
}

export function studentExperiment(
  method: ComparedMethod,
  options: QuickstartOptions,
): Experiment {
  return experimentSchema.parse({
    name: `quickstart-${method}`,
    dataset: options.dataset,
    student: { network: options.studentNetwork },
    // Plain training has one too, to measure how far it agrees with it.
    teacher: { model: options.model },
    loss: losses[method],
    bank: { capacity: options.capacity },
    training: training(options.epochs, options.seed),
  });
}
