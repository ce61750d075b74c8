import { rngFrom } from '../data/rng.js';

export interface TsneOptions {
  /** Effective number of neighbours of a point. */
  readonly perplexity: number;
  readonly iterations: number;
  readonly seed: number;
}

/** As the reference's figure: sklearn's TSNE, perplexity 40, 300 iterations. */
export const tsneDefaults: TsneOptions = {
  perplexity: 40,
  iterations: 300,
  seed: 0,
};

/** Iterations at the start in which neighbours attract more; as sklearn. */
const earlyIterations = 250;
const exaggeration = 12;

/**
 * Exact t-SNE (van der Maaten and Hinton, JMLR 9, 2008) in two dimensions, with
 * early exaggeration and the usual gains. Time and memory grow with the square
 * of the number of points: for some thousands of them.
 * @param points float [count, width]
 * @param onIteration may throw to stop, or wait to let others run
 * @returns [count, 2], centred
 */
export async function tsne(
  points: ArrayLike<number>,
  count: number,
  { perplexity, iterations, seed }: TsneOptions = tsneDefaults,
  onIteration: (iteration: number) => Promise<void> | void = () => {},
): Promise<Float64Array> {
  const affinities = jointAffinities(points, count, perplexity);
  const rng = rngFrom(seed, 't-sne');
  const place = Float64Array.from({ length: 2 * count }, () => {
    return 1e-4 * rng.normal();
  });
  const velocity = new Float64Array(2 * count);
  const gains = new Float64Array(2 * count).fill(1);
  const rate = Math.max(50, count / exaggeration / 4);
  for (let iteration = 0; iteration < iterations; iteration++) {
    await onIteration(iteration);
    const early = iteration < earlyIterations;
    const gradient = gradientOf(affinities, place, early ? exaggeration : 1);
    const momentum = early ? 0.5 : 0.8;
    for (let i = 0; i < place.length; i++) {
      const turned = Math.sign(gradient[i]!) !== Math.sign(velocity[i]!);
      gains[i] = Math.max(0.01, turned ? gains[i]! + 0.2 : gains[i]! * 0.8);
      velocity[i] = momentum * velocity[i]! - rate * gains[i]! * gradient[i]!;
      place[i]! += velocity[i]!;
    }
    centre(place);
  }
  return place;
}

/** p_ij = (p_j|i + p_i|j) / 2n: float32 [count, count]. */
function jointAffinities(
  points: ArrayLike<number>,
  count: number,
  perplexity: number,
): Float32Array {
  const conditional = new Float32Array(count * count);
  const distances = new Float64Array(count);
  const width = points.length / count;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) {
        sum += (points[i * width + k]! - points[j * width + k]!) ** 2;
      }
      distances[j] = sum;
    }
    const row = conditional.subarray(i * count, (i + 1) * count);
    neighbours(distances, i, Math.min(perplexity, (count - 1) / 3), row);
  }
  const joint = new Float32Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const both = conditional[i * count + j]! + conditional[j * count + i]!;
      joint[i * count + j] = Math.max(both / (2 * count), 1e-12);
    }
  }
  return joint;
}

/** Finds the Gaussian around point `own` whose perplexity is the wanted one. */
function neighbours(
  distances: Float64Array,
  own: number,
  perplexity: number,
  out: Float32Array,
): void {
  const nearest = distances.reduce(
    (least, d, j) => (j === own ? least : Math.min(least, d)),
    Infinity,
  );
  let [low, high, precision] = [0, Infinity, 1];
  for (let attempt = 0; attempt < 64; attempt++) {
    let [sum, weighted] = [0, 0];
    for (let j = 0; j < distances.length; j++) {
      const away = distances[j]! - nearest;
      const p = j === own ? 0 : Math.exp(-away * precision);
      out[j] = p;
      sum += p;
      weighted += p * away;
    }
    for (let j = 0; j < out.length; j++) out[j]! /= sum;
    const entropy = Math.log(sum) + (precision * weighted) / sum;
    const excess = entropy - Math.log(perplexity);
    if (Math.abs(excess) < 1e-5) return;
    if (excess > 0) low = precision;
    else high = precision;
    precision = high === Infinity ? precision * 2 : (low + high) / 2;
  }
}

/** 4 sum_j (p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|^2). */
function gradientOf(
  affinities: Float32Array,
  place: Float64Array,
  factor: number,
): Float64Array {
  const count = place.length / 2;
  const gradient = new Float64Array(place.length);
  const repulsion = new Float64Array(place.length);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const [x, y] = [place[2 * i]!, place[2 * i + 1]!];
    let [pullX, pullY, pushX, pushY] = [0, 0, 0, 0];
    for (let j = 0; j < count; j++) {
      const dx = x - place[2 * j]!;
      const dy = y - place[2 * j + 1]!;
      const kernel = 1 / (1 + dx * dx + dy * dy);
      const pull = factor * affinities[i * count + j]! * kernel;
      const push = kernel * kernel;
      pullX += pull * dx;
      pullY += pull * dy;
      pushX += push * dx;
      pushY += push * dy;
      total += kernel;
    }
    gradient[2 * i] = pullX;
    gradient[2 * i + 1] = pullY;
    repulsion[2 * i] = pushX;
    repulsion[2 * i + 1] = pushY;
  }
  total -= count; // a point is not its own neighbour
  return gradient.map((pull, i) => 4 * (pull - repulsion[i]! / total));
}

function centre(place: Float64Array): void {
  for (const axis of [0, 1]) {
    let mean = 0;
    for (let i = axis; i < place.length; i += 2) mean += place[i]!;
    mean /= place.length / 2;
    for (let i = axis; i < place.length; i += 2) place[i]! -= mean;
  }
}
