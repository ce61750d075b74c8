import { metrics as api } from '@opentelemetry/api';
import { metrics as sdk } from '@opentelemetry/sdk-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFixture, type Fixture } from './service.test-fixture.js';

const exporter = new sdk.InMemoryMetricExporter(
  sdk.AggregationTemporality.CUMULATIVE,
);
const reader = new sdk.PeriodicExportingMetricReader({
  ...{ exporter, exportIntervalMillis: 2 ** 30 },
});
let fixture: Fixture;

beforeAll(async () => {
  api.setGlobalMeterProvider(new sdk.MeterProvider({ readers: [reader] }));
  fixture = await startFixture();
});

afterAll(async () => {
  await fixture.close();
  await reader.shutdown();
});

/** The newest value of a metric, of its first series. */
async function valueOf(name: string): Promise<number> {
  exporter.reset();
  await reader.forceFlush();
  const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
  const found = all
    .flatMap(({ metrics }) => metrics)
    .find(({ descriptor }) => descriptor.name === `rrd.teacher.cache.${name}`);
  return (found?.dataPoints[0]?.value as number | undefined) ?? 0;
}

it('counts what the cache knew, how much it holds and what it saved', async () => {
  const outputs = ['TEACHER_OUTPUT_LOGITS'] as const;
  const ask = (indices: number[]) =>
    fixture.extract({ refs: fixture.refs(indices), outputs: [...outputs] });
  await ask([0, 1, 2]);
  expect([await valueOf('hits'), await valueOf('misses')]).toEqual([0, 3]);
  expect(await valueOf('saved')).toBe(0);
  const bytes = await valueOf('bytes');
  expect(bytes).toBeGreaterThan(0);
  await ask([1, 2, 3, 4]);
  expect([await valueOf('hits'), await valueOf('misses')]).toEqual([2, 5]);
  expect(await valueOf('saved')).toBeGreaterThan(0);
  expect(await valueOf('bytes')).toBeCloseTo((bytes * 5) / 3, 6);
});
