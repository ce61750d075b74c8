import type { Experiment } from '#distill/experiment.js';
import {
  createRankPrograms,
  type RankPrograms,
} from '#distill/rank-programs.js';
import { type Precision, roundRows } from '#distill/precision.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
} from '#distill/tensors.js';
import type { TrainProgramOptions } from '#distill/train-program.js';
import type { Engine, Executable } from '#runtime/compute/engine.js';

/** A student that takes the steps of all its ranks. */
export interface RankedStudent {
  readonly inputs: NamedSpecs;
  /** @param inputs of all ranks, rank 0's samples first */
  run(inputs: NamedHostTensors): Promise<NamedHostTensors>;
  readState(): Promise<NamedHostTensors>;
}

/**
 * What several ranks mean, as a plain loop: each one's gradients from its own
 * samples and buffers, their mean added up in rank order, one step of SGD. It
 * shares the two programs with the student, and nothing else.
 */
export async function openRanks(
  engine: Engine,
  options: TrainProgramOptions & { readonly experiment: Experiment },
): Promise<RankedStudent> {
  const { ranks, training, gradientPrecision } = options.experiment;
  const programs = createRankPrograms(options);
  const gradients = await engine.compile(programs.gradients, {});
  let state = programs.initialState(training.seed);
  let sgd: Executable | undefined;
  return {
    inputs: { ...programs.inputs, learningRate: scalar },
    async run({ learningRate, ...inputs }) {
      const outputs: NamedHostTensors[] = [];
      for (let rank = 0; rank < ranks; rank++) {
        const given = seenBy(rank, programs, state);
        const own = rowsOf(rank, ranks, inputs);
        outputs.push(await gradients.run({ ...given, ...own }));
      }
      const names = Object.keys(outputs[0]!).filter(
        (name) => !isBuffer(name) && !isRemembered(name),
      );
      const means = Object.fromEntries(
        names.map((name) => {
          const parts = outputs.map((own) => own[name]!);
          const precision = isGradient(name) ? gradientPrecision : 'float32';
          return [name, mean(parts, precision)];
        }),
      );
      const gradient = filtered(means, isGradient);
      const graded = Object.keys(gradient).map((name) => name.slice(9));
      sgd ??= await engine.compile(
        programs.apply(graded),
        filtered(state, (n) => graded.includes(n.replace('momentum.', ''))),
      );
      await sgd.run({ ...gradient, learningRate: learningRate! });
      const buffers = outputs.flatMap((own, rank) =>
        Object.entries(filtered(own, isBuffer)).map(
          ([name, t]) => [bufferAt(rank, name.slice(7)), t] as const,
        ),
      );
      const weights = await sgd.readState();
      state = { ...state, ...weights, ...Object.fromEntries(buffers) };
      const all = outputs.map((own) => filtered(own, isRemembered));
      return {
        ...filtered(means, (name) => !isGradient(name)),
        ...joined(all),
      };
    },
    readState: () => Promise.resolve(state),
  };
}

const isGradient = (name: string) => name.startsWith('gradient.');
const isBuffer = (name: string) => name.startsWith('buffer.');
const isRemembered = (name: string) => name.startsWith('remembered.');
const bufferAt = (rank: number, name: string) =>
  rank === 0 ? name : `rank${rank}.${name}`;

/** Weights and the rank's own buffers. */
function seenBy(
  rank: number,
  { trainable, buffers }: RankPrograms,
  state: NamedHostTensors,
): NamedHostTensors {
  const weights = Object.keys(trainable).map((n) => [n, state[n]!] as const);
  const own = Object.keys(buffers).map(
    (name) => [name, state[bufferAt(rank, name)]!] as const,
  );
  return Object.fromEntries([...weights, ...own]);
}

function filtered(
  tensors: NamedHostTensors,
  wanted: (name: string) => boolean,
): NamedHostTensors {
  return Object.fromEntries(
    Object.entries(tensors).filter(([name]) => wanted(name)),
  );
}

const scalar = { shape: [], dataType: 'float32' } as const;

/** The rows of all ranks, rank 0's first. */
function joined(each: readonly NamedHostTensors[]): NamedHostTensors {
  const names = Object.keys(each[0]!);
  const entries = names.map((name) => {
    const parts = each.map((own) => own[name]!);
    const [, width] = parts[0]!.shape;
    const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
    return [name, { shape: [data.length / width!, width!], data }] as const;
  });
  return Object.fromEntries(entries);
}

/** The rows of `rank`; all read the one queue, the same memories and weights. */
function rowsOf(
  rank: number,
  ranks: number,
  inputs: NamedHostTensors,
): NamedHostTensors {
  const entries = Object.entries(inputs).map(([name, tensor]) => {
    if (/^(queue$|memory\.|weight\.)/.test(name))
      return [name, tensor] as const;
    const [rows, ...width] = tensor.shape;
    const size = tensor.data.length / ranks;
    const data = tensor.data.slice(rank * size, (rank + 1) * size);
    return [name, { shape: [rows! / ranks, ...width], data }] as const;
  });
  return Object.fromEntries(entries);
}

function mean(parts: readonly HostTensor[], precision: Precision): HostTensor {
  const rounded = parts.map(({ data }) =>
    roundRows(Float32Array.from(data), precision),
  );
  const values = Float32Array.from(rounded[0]!);
  for (const part of rounded.slice(1)) {
    for (let i = 0; i < values.length; i++) values[i]! += part[i]!;
  }
  for (let i = 0; i < values.length; i++) values[i]! /= parts.length;
  return { shape: parts[0]!.shape, data: roundRows(values, precision) };
}
