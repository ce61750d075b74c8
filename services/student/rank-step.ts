import {
  gradientOf,
  newBufferOf,
  type RankPrograms,
} from '#distill/rank-programs.js';
import { bufferOf, meanOfRanks } from '#distill/ranks.js';
import type { NamedHostTensors, NamedSpecs } from '#distill/tensors.js';
import { momentumOf } from '#distill/train-step.js';
import type { Engine, Executable } from '#runtime/compute/engine.js';
import { packTensors, unpackTensors } from './packing.js';

/** What all ranks put together, of one of them. */
export interface RankPart {
  /** Its gradients: what the mean is taken of. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** Its measurements and new buffers, packed: for who holds the run. */
  readonly buffers: Uint8Array<ArrayBuffer>;
}

/** What a rank has computed of a step. */
export interface RankResult extends RankPart {
  /** Whatever else its program gave. */
  readonly others: NamedHostTensors;
}

/** Measurements and new buffers of a rank that was computed elsewhere. */
export interface RankBuffers {
  readonly rank: number;
  readonly buffers: Uint8Array;
}

/** What a rank's program gives, in the order in which it is packed. */
interface Layout {
  /** Weights that have a gradient. */
  readonly graded: readonly string[];
  readonly measured: readonly string[];
  /** What stays where it was computed. */
  readonly others: readonly string[];
}

/** Of a rank's first half, until the step counts. */
interface Computed {
  readonly measured: NamedHostTensors;
  readonly buffers: NamedHostTensors;
}

/**
 * The step of several ranks in its two halves, and the state between them.
 * Nothing of a step counts before `apply`: until then its ranks can be
 * computed again, here or elsewhere.
 */
export class RankStep {
  readonly #engine: Engine;
  readonly #programs: RankPrograms;
  readonly #gradients: Executable;
  readonly #computed = new Map<number, Computed>();
  #state: NamedHostTensors;
  #layout: Layout | undefined;
  #apply: Executable | undefined;

  static async create(
    engine: Engine,
    programs: RankPrograms,
    state: NamedHostTensors,
  ): Promise<RankStep> {
    const executable = await engine.compile(programs.gradients, {});
    return new RankStep(engine, programs, executable, state);
  }

  private constructor(
    engine: Engine,
    programs: RankPrograms,
    executable: Executable,
    state: NamedHostTensors,
  ) {
    this.#engine = engine;
    this.#programs = programs;
    this.#gradients = executable;
    this.#state = state;
  }

  /** The first half for `rank`, whose inputs they are. */
  async gradients(rank: number, inputs: NamedHostTensors): Promise<RankResult> {
    const { trainable, buffers } = this.#programs;
    const own = ofRank(rank, buffers, this.#state);
    const weights = pick(this.#state, Object.keys(trainable));
    const outputs = await this.#gradients.run({
      ...weights,
      ...own,
      ...inputs,
    });
    this.#layout ??= layoutOf(this.#programs, outputs);
    const { graded, measured, others } = this.#layout;
    const entries = Object.entries(own).map(([name, before]) => [
      name,
      outputs[newBufferOf(name)] ?? before,
    ]);
    const computed: Computed = {
      measured: pick(outputs, measured),
      buffers: Object.fromEntries(entries) as NamedHostTensors,
    };
    this.#computed.set(rank, computed);
    const vector = packTensors(outputs, graded.map(gradientOf));
    return {
      vector: new Float32Array(vector.buffer),
      buffers: packTensors({ ...computed.measured, ...computed.buffers }, [
        ...measured,
        ...Object.keys(buffers),
      ]),
      others: pick(outputs, others),
    };
  }

  /**
   * The second half, which needs a first half here before it.
   * @param mean of the vectors of all ranks
   * @param elsewhere of the ranks that were not computed here, if wanted
   * @returns the mean measurements of all ranks that are known here
   */
  async apply(
    mean: Float32Array,
    learningRate: number,
    elsewhere: readonly RankBuffers[],
  ): Promise<NamedHostTensors> {
    const { trainable } = this.#programs;
    if (!this.#layout) throw new Error('gradients come first');
    const { graded, measured } = this.#layout;
    const specs = Object.fromEntries(
      graded.map((name) => [gradientOf(name), trainable[name]!] as const),
    );
    this.#apply ??= await this.#compileApply(graded);
    await this.#apply.run({
      ...unpackTensors(specs, asBytes(mean)),
      learningRate: { shape: [], data: Float32Array.of(learningRate) },
    });
    for (const { rank, buffers } of elsewhere)
      this.#computed.set(rank, this.#unpack(buffers, measured));
    const means = this.#meansOf(measured);
    this.#state = {
      ...this.#state,
      ...(await this.#apply.readState(graded)),
      ...this.#takeBuffers(),
    };
    return means;
  }

  /** A copy of the state between two steps (of `names` only, if given). */
  async readState(names?: readonly string[]): Promise<NamedHostTensors> {
    const state = { ...this.#state, ...(await this.#apply?.readState()) };
    return structuredClone(names ? pick(state, names) : state);
  }

  /** Replaces the whole state; what was computed of a step is void. */
  async writeState(state: NamedHostTensors): Promise<void> {
    this.#state = state;
    this.#computed.clear();
    if (!this.#layout) return;
    await this.#apply?.writeState(ofSgd(state, this.#layout.graded));
  }

  #compileApply(graded: readonly string[]): Promise<Executable> {
    const program = this.#programs.apply(graded);
    return this.#engine.compile(program, ofSgd(this.#state, graded));
  }

  #unpack(packed: Uint8Array, measured: readonly string[]): Computed {
    const { buffers } = this.#programs;
    const scalar = { shape: [], dataType: 'float32' } as const;
    const scalars = Object.fromEntries(measured.map((name) => [name, scalar]));
    const all = unpackTensors({ ...scalars, ...buffers }, packed);
    return {
      measured: pick(all, measured),
      buffers: pick(all, Object.keys(buffers)),
    };
  }

  /** In rank order, as gradients are. */
  #meansOf(measured: readonly string[]): NamedHostTensors {
    const ranks = [...this.#computed].sort(([one], [other]) => one - other);
    const means = measured.map((name) => {
      const values = ranks.map(
        ([, own]) => own.measured[name]!.data as Float32Array,
      );
      return [name, { shape: [], data: meanOfRanks(values) }] as const;
    });
    return Object.fromEntries(means);
  }

  #takeBuffers(): NamedHostTensors {
    const all = [...this.#computed].flatMap(([rank, { buffers }]) =>
      Object.entries(buffers).map(
        ([name, tensor]) => [bufferOf(rank, name), tensor] as const,
      ),
    );
    this.#computed.clear();
    return Object.fromEntries(all);
  }
}

function layoutOf(
  { trainable }: RankPrograms,
  outputs: NamedHostTensors,
): Layout {
  const graded = Object.keys(trainable).filter((n) => gradientOf(n) in outputs);
  const rest = Object.keys(outputs).filter(
    (name) => !/^(gradient|buffer)\./.test(name),
  );
  const isScalar = (name: string) => outputs[name]!.shape.length === 0;
  return {
    graded,
    measured: rest.filter(isScalar).sort(),
    others: rest.filter((name) => !isScalar(name)),
  };
}

/** The buffers of `rank` under their plain names. */
function ofRank(
  rank: number,
  buffers: NamedSpecs,
  state: NamedHostTensors,
): NamedHostTensors {
  const names = Object.keys(buffers);
  const own = names.map((name) => [name, state[bufferOf(rank, name)]!]);
  return Object.fromEntries(own) as NamedHostTensors;
}

/** Weights that have a gradient, and their momentum. */
function ofSgd(
  state: NamedHostTensors,
  graded: readonly string[],
): NamedHostTensors {
  return pick(state, [...graded, ...graded.map(momentumOf)]);
}

function asBytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function pick(
  tensors: NamedHostTensors,
  names: readonly string[],
): NamedHostTensors {
  return Object.fromEntries(names.map((name) => [name, tensors[name]!]));
}
