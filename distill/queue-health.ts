import type { QueueSnapshot } from './queue.js';

/** What the rows of a queue look like; a healthy one is varied. */
export interface QueueHealth {
  /** Fraction of rows that equal an earlier one. */
  readonly duplicateRate: number;
  /**
   * (sum of eigenvalues)^2 / (sum of their squares) of the rows' second
   * moments: from 1, all rows on one line, to featDim.
   */
  readonly effectiveRank: number;
  /**
   * Mean entropy of softmax(similarities / 0.1) of some rows to all, over the
   * entropy of equal similarities: 1 says that a row tells nothing apart.
   */
  readonly similarityEntropy: number;
  readonly meanNorm: number;
}

type Rows = Pick<QueueSnapshot, 'rows' | 'featDim'>;

/** Evenly spread rows are enough for moments, and fewer still for entropies. */
const maxMomentRows = 8192;
const probeRows = 64;
const temperature = 0.1;

/** @param queue rows float32 [K, featDim] */
export function queueHealth(queue: Rows): QueueHealth {
  const sample = spread(queue, maxMomentRows);
  return {
    duplicateRate: duplicateRate(queue),
    effectiveRank: effectiveRank(sample, queue.featDim),
    similarityEntropy: similarityEntropy(sample),
    meanNorm: mean(sample.map((row) => Math.sqrt(dot(row, row)))),
  };
}

function duplicateRate({ rows, featDim }: Rows): number {
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const decoder = new TextDecoder('latin1');
  const seen = new Set<string>();
  const count = rows.length / featDim;
  for (let row = 0; row < count; row++) {
    const start = row * featDim * 4;
    seen.add(decoder.decode(bytes.subarray(start, start + featDim * 4)));
  }
  return 1 - seen.size / count;
}

/** tr(M)^2 / tr(M^2) with M = sum of row row^T: no eigenvalues are needed. */
function effectiveRank(sample: Float32Array[], featDim: number): number {
  const moments = new Float64Array(featDim * featDim); // M, [d, d]
  for (const row of sample) {
    for (let i = 0; i < featDim; i++) {
      const value = row[i]!;
      for (let j = 0; j < featDim; j++) {
        moments[i * featDim + j]! += value * row[j]!;
      }
    }
  }
  let trace = 0;
  for (let i = 0; i < featDim; i++) trace += moments[i * featDim + i]!;
  const squares = moments.reduce((sum, value) => sum + value * value, 0);
  return squares === 0 ? 0 : (trace * trace) / squares;
}

function similarityEntropy(sample: Float32Array[]): number {
  if (sample.length < 2) return 1;
  const every = Math.max(1, Math.floor(sample.length / probeRows));
  const probes = sample.filter((_, i) => i % every === 0);
  const entropies = probes.map((probe) =>
    softmaxEntropy(sample.map((row) => dot(probe, row) / temperature)),
  );
  return mean(entropies) / Math.log(sample.length);
}

/** Entropy of softmax(x) = log(sum e^x) - sum p x, shifted by the largest. */
function softmaxEntropy(logits: number[]): number {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  let total = 0;
  let weighted = 0;
  for (const logit of logits) {
    const weight = Math.exp(logit - largest);
    total += weight;
    weighted += weight * (logit - largest);
  }
  return Math.log(total) - weighted / total;
}

function spread({ rows, featDim }: Rows, most: number): Float32Array[] {
  const count = rows.length / featDim;
  const every = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / every) }, (_, i) =>
    rows.subarray(i * every * featDim, (i * every + 1) * featDim),
  );
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
