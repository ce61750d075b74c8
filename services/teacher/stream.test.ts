import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSDK, tracing } from '@opentelemetry/sdk-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { innerProducts } from '#distill/inner-products.js';
import { connect } from '#runtime/rpc/client.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import {
  startFixture,
  type Fixture,
  type Request,
} from './service.test-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture({ streamCredits: 3 });
});

afterAll(() => fixture.close());

const exporter = new tracing.InMemorySpanExporter();
const sdk = new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  metricReaders: [],
  logRecordProcessors: [],
});
sdk.start();
afterAll(() => sdk.shutdown());

const outputs: Request['outputs'] = ['TEACHER_OUTPUT_LOGITS'];
const request = (index: number) => ({
  ...{ model: 'small', outputs },
  refs: fixture.refs([index]),
});

interface Message {
  request?: Request | null;
  traceparent?: string;
}

async function stream(requests: AsyncIterable<Message>) {
  const answers = [];
  for await (const answer of fixture.client.extractStream(requests)) {
    answers.push(answer);
  }
  return answers;
}

describe('ExtractStream', () => {
  it('says its credits, then answers in order what Extract would', async () => {
    const indices = [7, 3, 0, 19, 3, 5, 11, 2];
    async function* requests() {
      for (const index of indices) yield { request: request(index) };
    }
    const [opened, ...answers] = await stream(requests());
    expect(opened).toMatchObject({ opened: { credits: 3 } });
    const expected = await Promise.all(
      indices.map((index) => fixture.extract(request(index))),
    );
    expect(answers.map(({ response }) => response)).toEqual(expected);
  });

  it('answers a request that fails, and goes on', async () => {
    async function* requests(): AsyncGenerator<Message> {
      yield { request: request(999) };
      yield {};
      yield { request: request(1) };
    }
    const [, beyond, nothing, fine] = await stream(requests());
    expect(beyond?.failure?.message).toContain('refs.indices is 999');
    expect(nothing?.failure?.message).toContain('request is missing');
    expect(beyond?.failure?.details[0]?.type_url).toContain('ErrorInfo');
    expect(fine?.response?.logits?.shape).toEqual([1, 4]);
  });

  it('shows each request in the trace of its own step', async () => {
    const traces = ['1', '2'].map((digit) => digit.repeat(32));
    async function* requests(): AsyncGenerator<Message> {
      for (const id of traces) {
        const traceparent = `00-${id}-${'3'.repeat(16)}-01`;
        yield { request: request(0), traceparent };
      }
    }
    await stream(requests());
    const spans = exporter
      .getFinishedSpans()
      .filter(({ name }) => name === 'rrd.teacher.extract');
    const found = new Set(spans.map((span) => span.spanContext().traceId));
    for (const id of traces) expect(found).toContain(id);
  });

  it('reads no further than its credits while nobody takes answers', async () => {
    let asked = 0;
    async function* requests() {
      for (;;) {
        asked++;
        yield { request: request(0) };
      }
    }
    const client = connect('rrd.v1.TeacherService', fixture.address);
    const answers = client.extractStream(requests())[Symbol.asyncIterator]();
    for (let i = 0; i < 20; i++) await answers.next();
    // The connection fills its window, then nothing moves any more.
    await sleep(300);
    const then = asked;
    await sleep(300);
    expect(asked).toBe(then);
    await answers.return?.();
    client.close();
  });

  it('ends with its caller', async () => {
    const cancel = new AbortController();
    async function* requests() {
      yield { request: request(0) };
      await new Promise(() => {});
    }
    const { signal } = cancel;
    const answers = fixture.client.extractStream(requests(), { signal });
    const seen = (async () => {
      for await (const { response } of answers) {
        if (response) cancel.abort(new Error('enough'));
      }
    })();
    await expect(seen).rejects.toThrow('enough');
  });
});

describe('similarities', () => {
  it('are the inner products of the features', async () => {
    const indices = [0, 1, 2, 3, 4];
    const answer = await fixture.extract({
      refs: fixture.refs(indices),
      outputs: ['TEACHER_OUTPUT_FEATURES', 'TEACHER_OUTPUT_SIMILARITIES'],
    });
    const read = (field: 'features' | 'similarities') =>
      fromWire(answer[field], { field, dataType: 'float32' });
    expect(read('similarities')).toEqual(innerProducts(read('features')));
  });
});
