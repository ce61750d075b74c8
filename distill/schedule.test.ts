import { expect, it } from 'vitest';
import { learningRateAt } from './schedule.js';

it('drops when the epoch is past a milestone, not at it', () => {
  const schedule = {
    learningRate: 0.05,
    milestones: [150, 180, 210],
    decay: 0.1,
  };
  const rates = [1, 150, 151, 180, 181, 211, 240].map((epoch) =>
    learningRateAt(epoch, schedule),
  );
  const expected = [5e-2, 5e-2, 5e-3, 5e-3, 5e-4, 5e-5, 5e-5];
  rates.forEach((rate, i) => expect(rate).toBeCloseTo(expected[i]!, 12));
});
