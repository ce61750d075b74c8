import {
  context,
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api';
import { DomainError } from '../errors.js';
import type { AnyMethod } from './contract.js';

/** Spans and metrics of both ends, with the names of OpenTelemetry's RPC. */

export type Side = 'client' | 'server';

/** Bytes of messages, after serialisation and before framing. */
export interface ByteCounts {
  sent: number;
  received: number;
}

/**
 * Runs one call in a span below `parent`, and times it. A call that its caller
 * gave up is no error.
 */
export async function observe<T>(
  side: Side,
  method: AnyMethod,
  parent: Context,
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const attributes = attributesOf(method);
  const span = trace.getTracer('rrd.rpc').startSpan(
    method.path.slice(1),
    {
      kind: side === 'client' ? SpanKind.CLIENT : SpanKind.SERVER,
      attributes,
    },
    parent,
  );
  const started = performance.now();
  let status = 'OK';
  try {
    return await context.with(trace.setSpan(parent, span), body);
  } catch (error) {
    status = signal?.aborted === true ? 'CANCELLED' : statusOf(error);
    if (status !== 'CANCELLED') {
      span.setStatus({ code: SpanStatusCode.ERROR, message: reasonOf(error) });
    }
    throw error;
  } finally {
    span.setAttribute('rpc.response.status_code', status);
    span.end();
    instruments()[side].record((performance.now() - started) / 1000, {
      ...attributes,
      'rpc.response.status_code': status,
    });
  }
}

/** `method` with serializers that count their bytes. */
export function counted(
  side: Side,
  method: AnyMethod,
  counts: ByteCounts,
): AnyMethod {
  const attributes = { ...attributesOf(method), 'rrd.rpc.side': side };
  const sent = (buffer: Buffer) => {
    counts.sent += buffer.byteLength;
    instruments().sent.add(buffer.byteLength, attributes);
    return buffer;
  };
  const received = (buffer: Buffer) => {
    counts.received += buffer.byteLength;
    instruments().received.add(buffer.byteLength, attributes);
    return buffer;
  };
  return {
    ...method,
    requestSerialize: (value) => sent(method.requestSerialize(value)),
    responseSerialize: (value) => sent(method.responseSerialize(value)),
    requestDeserialize: (bytes) => method.requestDeserialize(received(bytes)),
    responseDeserialize: (bytes) => method.responseDeserialize(received(bytes)),
  };
}

function attributesOf(method: AnyMethod): Attributes {
  const [, service = '', name = ''] = method.path.split('/');
  return { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': name };
}

const statusOf = (error: unknown) =>
  error instanceof DomainError ? error.status : 'INTERNAL';

const reasonOf = (error: unknown) =>
  error instanceof DomainError ? error.reason : 'INTERNAL';

const durationBucketsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

let created: ReturnType<typeof createInstruments> | undefined;

function instruments() {
  created ??= createInstruments();
  return created;
}

function createInstruments() {
  const meter = metrics.getMeter('rrd.rpc');
  const seconds = {
    unit: 's',
    description: 'Duration of calls',
    advice: { explicitBucketBoundaries: [...durationBucketsSeconds] },
  };
  const bytes = { unit: 'By', description: 'Bytes of messages' };
  return {
    client: meter.createHistogram('rpc.client.call.duration', seconds),
    server: meter.createHistogram('rpc.server.call.duration', seconds),
    sent: meter.createCounter('rrd.rpc.sent', bytes),
    received: meter.createCounter('rrd.rpc.received', bytes),
  };
}
