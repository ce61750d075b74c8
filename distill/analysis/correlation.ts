/**
 * How a network's logits of the classes go together: each sample's logits are
 * standardised over the classes (with the sample deviation, n - 1) and averaged
 * over the samples of each true class.
 *
 * The difference of a student's and a teacher's matrix is the paper's figure of
 * how much of the teacher's view of the classes the student has taken over
 * (Tian et al., "Contrastive Representation Distillation", fig. 2).
 *
 * @param logits [labels.length, classCount]
 * @returns [classCount, classCount]: row true class, column logit; a class
 *   without samples has zeros
 */
export function logitCorrelation(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classCount: number,
): Float64Array {
  const matrix = new Float64Array(classCount * classCount);
  const counts = new Float64Array(classCount);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    const start = row * classCount;
    let mean = 0;
    for (let k = 0; k < classCount; k++) mean += logits[start + k]!;
    mean /= classCount;
    let squares = 0;
    for (let k = 0; k < classCount; k++) {
      squares += (logits[start + k]! - mean) ** 2;
    }
    const deviation = Math.sqrt(squares / (classCount - 1));
    counts[label]! += 1;
    for (let k = 0; k < classCount && deviation > 0; k++) {
      const score = (logits[start + k]! - mean) / deviation;
      matrix[label * classCount + k]! += score;
    }
  }
  return matrix.map((sum, i) => {
    const count = counts[Math.floor(i / classCount)]!;
    return count === 0 ? 0 : sum / count;
  });
}

/** |a - b| with zeros on the diagonal: [classCount, classCount]. */
export function correlationDifference(
  a: Float64Array,
  b: Float64Array,
  classCount: number,
): Float64Array {
  return a.map((value, i) =>
    i % (classCount + 1) === 0 ? 0 : Math.abs(value - b[i]!),
  );
}
