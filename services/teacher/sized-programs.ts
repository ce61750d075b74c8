import { sizeOf, type HostTensor } from '#distill/tensors.js';
import { EngineUnavailableError } from '#runtime/errors.js';
import { batchPlan } from './batch-plan.js';
import type { Extracted } from './extractor.js';
import { extractedRows, joinExtracted, padRows, tensorsOf } from './rows.js';

/** A network compiled for one batch size. */
export interface Forward {
  run(images: HostTensor): Promise<Extracted>;
  dispose(): void;
}

export interface SizedProgramsOptions {
  /** Compiles the network for one batch size. */
  readonly compile: (batchSize: number) => Promise<Forward>;
  /** [H, W, C] */
  readonly imageShape: readonly number[];
  /** Different images, float32 [probeCount, H, W, C], normalised. */
  readonly probes: Float32Array;
  readonly maxBatchSize: number;
  /** Names the engine in the error. */
  readonly engine: string;
}

interface SizedForward {
  readonly size: number;
  readonly forward: Forward;
}

export const probeCount = 3;

/** Sizes that are worth a program, besides multiples of `fullSize`. */
const smallSizes = [1, 4, 8, 16, 32];
const fullSize = 64;

/** What an engine is tried at that cannot do a full batch exactly. */
const smallerReferences = [16, 4, 1];

/** Of a probe: a batch tells nothing of what all its rows have in common. */
const leastBatches = 2;
const leastRows = 12;

/**
 * Programs for a few fixed batch sizes, so that a sample's output never depends
 * on its batch: other numbers are computed in several batches, the last one
 * padded with zeros, whichever way takes the fewest rows (batch-plan.ts).
 *
 * An engine may well compute a row with other kernels in a larger batch, so
 * nothing is assumed. The program of the reference size is the truth: the
 * largest size that gives the same bits for an image at any place among any
 * mates. Another size is compiled when it is first wanted, and used only if it
 * gives the truth's bits; otherwise the reference size does its work.
 */
export class SizedPrograms {
  private readonly others = new Map<number, Promise<Forward | undefined>>();

  private constructor(
    private readonly options: SizedProgramsOptions,
    private readonly reference: Forward,
    private readonly referenceSize: number,
    /** Outputs for the probes. */
    readonly truth: readonly Buffer[],
  ) {}

  /** @throws EngineUnavailableError if outputs differ even one by one */
  static async create(options: SizedProgramsOptions): Promise<SizedPrograms> {
    const full = Math.min(fullSize, options.maxBatchSize);
    const smaller = smallerReferences.filter((size) => size < full);
    for (const size of [full, ...smaller]) {
      const reference = await options.compile(size);
      const rows = await probe(reference, size, options);
      const truth = rows.slice(0, probeCount);
      if (agree(rows, truth))
        return new SizedPrograms(options, reference, size, truth);
      reference.dispose();
    }
    throw new EngineUnavailableError({
      engine: options.engine,
      problem: "a sample's output is not always the same",
    });
  }

  /** Batch sizes in use or to be tried, ascending. */
  get sizes(): number[] {
    const { maxBatchSize } = this.options;
    const steps = Math.ceil(maxBatchSize / fullSize);
    const multiples = Array.from({ length: steps }, (_, i) =>
      Math.min((i + 1) * fullSize, maxBatchSize),
    );
    const smaller = smallSizes.filter((size) => size < multiples[0]!);
    return [...smaller, ...multiples];
  }

  /** @param images float32 [N, H, W, C], N at least 1 */
  async run(images: Float32Array): Promise<Extracted> {
    const { imageShape } = this.options;
    const imageSize = sizeOf(imageShape);
    const total = images.length / imageSize;
    const parts: Extracted[] = [];
    for (let done = 0, count: number; done < total; done += count) {
      const { size, forward } = await this.programFor(total - done);
      count = Math.min(size, total - done);
      const part = images.subarray(
        done * imageSize,
        (done + count) * imageSize,
      );
      const whole = await forward.run(padRows(part, imageShape, size));
      parts.push(count === size ? whole : extractedRows(whole, 0, count));
    }
    return joinExtracted(parts);
  }

  /** Nothing may be running. */
  async dispose(): Promise<void> {
    const others = await Promise.all(this.others.values());
    for (const forward of [this.reference, ...others]) forward?.dispose();
  }

  /** The first batch of the best plan for `count` samples. */
  private async programFor(count: number): Promise<SizedForward> {
    const { referenceSize } = this;
    let sizes = [...new Set([...this.sizes, referenceSize])];
    for (;;) {
      const [size] = batchPlan(count, sizes) as [number];
      const forward = await this.usable(size);
      if (forward) return { size, forward };
      // The reference stays, so this ends.
      sizes = sizes.filter((other) => other !== size);
    }
  }

  /** The program of `size`, if it agrees with the reference. */
  private usable(size: number): Promise<Forward | undefined> {
    if (size === this.referenceSize) return Promise.resolve(this.reference);
    const known = this.others.get(size);
    if (known) return known;
    const checked = this.checked(size);
    this.others.set(size, checked);
    return checked;
  }

  private async checked(size: number): Promise<Forward | undefined> {
    const forward = await this.options.compile(size);
    const rows = await probe(forward, size, this.options);
    if (agree(rows, this.truth)) return forward;
    forward.dispose();
    return undefined;
  }
}

/** Which probe a row of a probe holds: never with the same mates. */
const probeAt = (row: number) => (row + (row >> 2)) % probeCount;

/** The outputs of several batches of probes. */
async function probe(
  forward: Forward,
  size: number,
  options: SizedProgramsOptions,
): Promise<Buffer[]> {
  const rows: Buffer[] = [];
  while (rows.length < Math.max(leastRows, leastBatches * size))
    rows.push(...(await probeBatch(forward, size, rows.length, options)));
  return rows;
}

/** Each row as bytes. */
async function probeBatch(
  forward: Forward,
  size: number,
  first: number,
  { imageShape, probes }: SizedProgramsOptions,
): Promise<Buffer[]> {
  const imageSize = sizeOf(imageShape);
  const data = new Float32Array(size * imageSize);
  for (let row = 0; row < size; row += 1) {
    const start = probeAt(first + row) * imageSize;
    data.set(probes.subarray(start, start + imageSize), row * imageSize);
  }
  const extracted = await forward.run({ shape: [size, ...imageShape], data });
  const tensors = tensorsOf(extracted);
  return Array.from({ length: size }, (_, row) =>
    Buffer.concat(tensors.map((tensor) => bytesOfRow(tensor, row))),
  );
}

function agree(rows: readonly Buffer[], truth: readonly Buffer[]): boolean {
  return rows.every((row, i) => {
    const expected = truth[probeAt(i)];
    return expected === undefined || row.equals(expected);
  });
}

function bytesOfRow({ shape, data }: HostTensor, row: number): Buffer {
  const width = sizeOf(shape.slice(1));
  const start = data.byteOffset + row * width * data.BYTES_PER_ELEMENT;
  return Buffer.from(data.buffer, start, width * data.BYTES_PER_ELEMENT);
}
