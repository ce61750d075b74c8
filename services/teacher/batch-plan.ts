/**
 * What starting a batch costs, in rows of one: with resnet32x4 on two cores half
 * a row to one and a half, by the load of the machine.
 */
const startRows = 2;

/**
 * Sizes of the batches in which `count` samples cost least, the largest first:
 * padding costs as much as samples, and each batch its start. Of equal plans
 * that with the larger batches.
 * @param count at least 1
 * @param sizes at least one
 */
export function batchPlan(count: number, sizes: readonly number[]): number[] {
  const descending = sizes.toSorted((a, b) => b - a);
  // By samples: what they cost, and the first size of the plan for them.
  const costs = new Float64Array(count + 1);
  const firsts = new Int32Array(count + 1);
  for (let samples = 1; samples <= count; samples++) {
    costs[samples] = Infinity;
    for (const size of descending) {
      const rest = Math.max(0, samples - size);
      const cost = size + startRows + costs[rest]!;
      if (cost >= costs[samples]!) continue;
      costs[samples] = cost;
      firsts[samples] = size;
    }
  }
  const plan: number[] = [];
  for (let samples = count; samples > 0; samples -= firsts[samples]!)
    plan.push(firsts[samples]!);
  return plan.sort((a, b) => b - a);
}
