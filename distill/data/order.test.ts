import { describe, expect, it } from 'vitest';
import { epochOrder } from './order.js';

describe('epochOrder', () => {
  it('visits every sample once', () => {
    const order = [...epochOrder(5, 1, 100)];
    expect(order.toSorted((a, b) => a - b)).toEqual([...Array(100).keys()]);
  });

  it('depends on seed and epoch alone', () => {
    expect(epochOrder(5, 2, 50)).toEqual(epochOrder(5, 2, 50));
    expect(epochOrder(5, 2, 50)).not.toEqual(epochOrder(5, 3, 50));
    expect(epochOrder(5, 2, 50)).not.toEqual(epochOrder(6, 2, 50));
  });

  it('takes empty and single sets', () => {
    expect([...epochOrder(0, 1, 0)]).toEqual([]);
    expect([...epochOrder(0, 1, 1)]).toEqual([0]);
  });
});
