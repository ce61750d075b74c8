import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { TeacherOverloadedError } from '#runtime/errors.js';
import { closedLoop } from './closed-loop.js';

const options = { clients: 3, seconds: 0.2, warmUpSeconds: 0.05, batch: 4 };

it('keeps one request of each client under way, for a bounded time', async () => {
  let running = 0;
  let most = 0;
  const report = await closedLoop({
    ...options,
    async ask() {
      most = Math.max(most, ++running);
      await sleep(5);
      running--;
    },
  });
  expect(most).toBe(3);
  expect(report.failures).toEqual({});
  expect(report.imagesPerSecond).toBeCloseTo((4 * report.requests) / 0.2);
  expect(report.p50Ms).toBeGreaterThanOrEqual(4);
  expect(report.p99Ms).toBeGreaterThanOrEqual(report.p95Ms);
});

it('counts what is refused, and throws what nobody foresaw', async () => {
  const refused = await closedLoop({
    ...options,
    ask: () => Promise.reject(new TeacherOverloadedError({ depth: 1 })),
  });
  expect(refused.requests).toBe(0);
  expect(refused.failures['TEACHER_OVERLOADED']).toBeGreaterThan(2);
  const broken = closedLoop({
    ...options,
    ask: () => Promise.reject(new TypeError('a bug')),
  });
  await expect(broken).rejects.toThrow('a bug');
});
