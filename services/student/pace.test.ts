import { describe, expect, it } from 'vitest';
import { Pace } from './pace.js';

describe('Pace', () => {
  it('leaves the first step out once there is another', () => {
    const pace = new Pace(10);
    expect(pace.imagesPerSecond).toBe(0);
    pace.add(1_000);
    expect(pace.imagesPerSecond).toBe(10);
    pace.add(50);
    pace.add(150);
    expect(pace.imagesPerSecond).toBe(100);
  });
});
