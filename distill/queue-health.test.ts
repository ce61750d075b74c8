import { describe, expect, it } from 'vitest';
import { FifoQueue } from './queue.js';
import { queueHealth } from './queue-health.js';

describe('the health of a queue', () => {
  it('of rows that are all the same', () => {
    const rows = new Float32Array(40).fill(0.5); // [10, 4]
    const health = queueHealth({ rows, featDim: 4 });
    expect(health.duplicateRate).toBeCloseTo(0.9);
    expect(health.effectiveRank).toBeCloseTo(1);
    expect(health.similarityEntropy).toBeCloseTo(1);
    expect(health.meanNorm).toBeCloseTo(1);
  });

  it('of the unit vectors', () => {
    const rows = new Float32Array(16);
    for (let i = 0; i < 4; i++) rows[i * 5] = 1;
    const health = queueHealth({ rows, featDim: 4 });
    expect(health.duplicateRate).toBe(0);
    expect(health.effectiveRank).toBeCloseTo(4);
    // softmax([10, 0, 0, 0]) has next to no entropy.
    const p = Math.exp(-10);
    const total = 1 + 3 * p;
    const expected = Math.log(total) + (3 * p * 10) / total;
    expect(health.similarityEntropy).toBeCloseTo(expected / Math.log(4), 9);
  });

  it('of a seeded queue is good', () => {
    const options = { capacity: 2048, featDim: 16, seed: 1 };
    const queue = FifoQueue.create({ ...options, init: 'rows' });
    const health = queueHealth(queue.snapshot());
    expect(health.duplicateRate).toBe(0);
    expect(health.effectiveRank).toBeGreaterThan(15);
    expect(health.meanNorm).toBeCloseTo(1);
  });
});
