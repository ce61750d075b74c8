/** How far a forward is from the one that it is measured against. */

type Values = Float32Array | Int32Array;

/** The least cosine of a row with its twin; [rows, n] both. */
export function leastCosine(a: Values, b: Values, rows: number): number {
  const cosines = rowPairs(a, b, rows).map(([x, y]) => {
    return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  });
  return Math.min(...cosines);
}

/** Mean over rows of KL(softmax(truth) || softmax(found)), in nats. */
export function meanDivergence(
  found: Values,
  truth: Values,
  rows: number,
): number {
  const divergences = rowPairs(found, truth, rows).map(([x, y]) => {
    const [q, p] = [logSoftmax(x), logSoftmax(y)];
    return p.reduce((sum, logP, i) => {
      return sum + Math.exp(logP) * (logP - q[i]!);
    }, 0);
  });
  return divergences.reduce((sum, value) => sum + value, 0) / rows;
}

function rowPairs(a: Values, b: Values, rows: number) {
  const width = a.length / rows;
  return Array.from({ length: rows }, (_, i) => {
    const [from, to] = [i * width, (i + 1) * width];
    return [[...a.subarray(from, to)], [...b.subarray(from, to)]] as const;
  });
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function logSoftmax(scores: readonly number[]): number[] {
  const greatest = Math.max(...scores);
  const sum = scores.reduce((total, s) => total + Math.exp(s - greatest), 0);
  return scores.map((score) => score - greatest - Math.log(sum));
}
