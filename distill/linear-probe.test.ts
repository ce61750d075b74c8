import { expect, it } from 'vitest';
import { rngFrom } from './data/rng.js';
import { LinearProbe } from './linear-probe.js';

const options = {
  featureDim: 3,
  classCount: 4,
  momentum: 0,
  weightDecay: 0,
};
const features = [1, 0, 2, -1, 1, 0.5];
const labels = [3, 1];
const fresh = (changes = {}) =>
  new LinearProbe({ ...options, ...changes }, rngFrom(1, 'probe'));

it('descends along the gradient of the cross-entropy', () => {
  const probe = fresh();
  const before = probe.step(features, labels, 1e-6);
  const after = probe.step(features, labels, 0);
  // To first order the loss falls by rate * |gradient|^2, which at almost equal
  // probabilities is |x|^2 of each row (and of the bias) times slopes' squares.
  expect(before).toBeCloseTo(Math.log(4), 1);
  const slopes = [
    [0.25, 0.25, 0.25, -0.75],
    [0.25, -0.75, 0.25, 0.25],
  ];
  let squares = 0;
  for (let k = 0; k < 4; k++) {
    for (let i = 0; i < 4; i++) {
      const x = (row: number) => (i === 3 ? 1 : features[3 * row + i]!);
      squares += ((slopes[0]![k]! * x(0) + slopes[1]![k]! * x(1)) / 2) ** 2;
    }
  }
  expect((before - after) / 1e-6 / squares).toBeCloseTo(1, 1);
});

it('learns what a line can part', () => {
  const probe = fresh({ momentum: 0.9 });
  for (let step = 0; step < 100; step++) probe.step(features, labels, 0.1);
  expect([...probe.classes(features)]).toEqual(labels);
});
