import { describe, expect, it } from 'vitest';
import { Negatives } from './negatives.js';

const labels = [2, 0, 1, 0, 2, 2, 1, 0, 4, 0];
const split = { size: labels.length, label: (i: number) => labels[i]! };

function draw(sample: number, count: number, epoch = 1, from = split) {
  const into = new Int32Array(1 + count);
  new Negatives(from).draw(7, epoch, sample, into);
  return [...into];
}

describe('negatives', () => {
  it('are all samples of the other classes, each once, where so many are asked for', () => {
    for (const sample of labels.keys()) {
      const others = [...labels.keys()].filter(
        (i) => labels[i] !== labels[sample],
      );
      const [own, ...drawn] = draw(sample, others.length);
      expect(own).toBe(sample);
      expect(drawn.sort((a, b) => a - b)).toEqual(others);
    }
  });

  it('come more than once only where there are not enough', () => {
    const [, ...few] = draw(3, 5);
    expect(new Set(few).size).toBe(5);
    const [, ...many] = draw(3, 50);
    expect(many.every((i) => labels[i] !== 0)).toBe(true);
    expect(new Set(many).size).toBe(6);
  });

  it('depend on seed, epoch and sample alone', () => {
    const negatives = new Negatives(split);
    const into = new Int32Array(5);
    for (const sample of [5, 0, 3]) negatives.draw(7, 1, sample, into);
    expect([...into]).toEqual(draw(3, 4));
    expect(draw(3, 4, 2)).not.toEqual(draw(3, 4));
  });

  it('are drawn evenly', () => {
    const counts = new Map<number, number>();
    const negatives = new Negatives(split);
    const into = new Int32Array(3);
    for (let epoch = 1; epoch <= 3000; epoch++) {
      negatives.draw(0, epoch, 1, into);
      for (const i of into.subarray(1)) counts.set(i, (counts.get(i) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) {
      expect(Math.abs(count - 1000)).toBeLessThan(120); // over 4 sigma
    }
  });

  it('do not exist in a set of one class', () => {
    const one = { size: 3, label: () => 0 };
    expect(() => draw(0, 2, 1, one)).toThrow(RangeError);
  });
});
