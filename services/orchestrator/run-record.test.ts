import { describe, expect, it } from 'vitest';
import { isFinal, isHeld, isWaiting, runPhases } from './run-record.js';

describe('phases', () => {
  it('leave a run waiting, held, paused or ended, one of them', () => {
    for (const phase of runPhases) {
      const is = [isWaiting, isHeld, isFinal].filter((of) => of({ phase }));
      expect(is.length).toBe(phase === 'paused' ? 0 : 1);
    }
  });
});
