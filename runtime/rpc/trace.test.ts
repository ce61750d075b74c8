import { context, SpanKind, trace } from '@opentelemetry/api';
import {
  metrics as sdkMetrics,
  NodeSDK,
  tracing,
} from '@opentelemetry/sdk-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { QueueNotFoundError } from '../errors.js';
import { createLogger } from '../logger.js';
import { connect } from './client.js';
import { startServer, type RpcServer } from './server.js';
import { contextOf, currentTraceparent, inSpan } from './trace.js';

const exporter = new tracing.InMemorySpanExporter();
const reader = new sdkMetrics.PeriodicExportingMetricReader({
  exporter: new sdkMetrics.InMemoryMetricExporter(
    sdkMetrics.AggregationTemporality.CUMULATIVE,
  ),
});
const sdk = new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  metricReaders: [reader],
  logRecordProcessors: [],
});
const lines: string[] = [];
let server: RpcServer;

beforeAll(async () => {
  sdk.start();
  server = await startServer({
    name: 'student',
    log: createLogger('test', { to: { write: (line) => lines.push(line) } }),
    listen: {},
    handlers: {
      'rrd.v1.StudentService': {
        async getStatus(_, { log }) {
          log.info('handling');
          if (lines.length > 4) throw new QueueNotFoundError({ queue: 'q' });
          return { worker: currentTraceparent() };
        },
      },
    },
  });
});
afterAll(async () => {
  await server.close();
  await sdk.shutdown();
});
afterEach(() => exporter.reset());

describe('a call', () => {
  it("is a client span and a server span of the caller's trace", async () => {
    const client = connect('rrd.v1.StudentService', server.address);
    const root = contextOf('');
    let traceparent = '';
    await inSpan('step', root, async () => {
      traceparent = currentTraceparent();
      const { worker } = await client.getStatus({});
      expect(worker.slice(0, 36)).toBe(traceparent.slice(0, 36));
    });
    client.close();
    const [inner, outer, step] = exporter.getFinishedSpans();
    expect(inner).toMatchObject({
      kind: SpanKind.SERVER,
      name: 'rrd.v1.StudentService/GetStatus',
      parentSpanContext: { spanId: outer?.spanContext().spanId },
    });
    expect(outer).toMatchObject({
      kind: SpanKind.CLIENT,
      parentSpanContext: { spanId: step?.spanContext().spanId },
      attributes: { 'rpc.response.status_code': 'OK' },
    });
    const logged = JSON.parse(lines.at(-1) ?? '') as Record<string, string>;
    expect(logged['trace_id']).toBe(step?.spanContext().traceId);
    expect(logged['span_id']).toBe(inner?.spanContext().spanId);
  });

  it('is timed and weighed, and fails as what it failed with', async () => {
    const client = connect('rrd.v1.StudentService', server.address);
    for (let i = 0; i < 6; i++) await client.getStatus({}).catch(() => {});
    client.close();
    const codes = exporter
      .getFinishedSpans()
      .map(({ attributes }) => attributes['rpc.response.status_code']);
    expect(codes).toContain('OK');
    expect(codes).toContain('NOT_FOUND');
    const { resourceMetrics } = await reader.collect();
    const names = resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .map(({ descriptor }) => descriptor.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'rpc.client.call.duration',
        'rpc.server.call.duration',
        'rrd.rpc.sent',
        'rrd.rpc.received',
      ]),
    );
  });
});

describe('the context of a message', () => {
  it('makes a span of its trace from a string', async () => {
    const traceparent =
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await inSpan('apply', contextOf(traceparent), async () => {
      expect(currentTraceparent().slice(0, 36)).toBe(traceparent.slice(0, 36));
    });
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  });

  it('is none where the string is empty or wrong', () => {
    for (const text of ['', 'nonsense']) {
      expect(trace.getSpan(contextOf(text))).toBeUndefined();
    }
    expect(trace.getSpan(context.active())).toBeUndefined();
    expect(currentTraceparent()).toBe('');
  });
});
