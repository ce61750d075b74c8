import { context, propagation, trace, type Context } from '@opentelemetry/api';
import { Metadata } from '@grpc/grpc-js';

/**
 * W3C trace context in call metadata, and in messages: a stream lives for
 * hours, so what flows through it carries the context of its own step.
 */

/** The active span as a `traceparent`; empty where nothing is traced. */
export function currentTraceparent(): string {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier['traceparent'] ?? '';
}

/** The context of a message: the remote span as parent, or nothing. */
export function contextOf(traceparent: string): Context {
  return propagation.extract(context.active(), { traceparent });
}

/** Runs `body` in a span named `name` below the message's context. */
export async function inSpan<T>(
  name: string,
  parent: Context,
  body: () => Promise<T>,
): Promise<T> {
  const span = trace.getTracer('rrd').startSpan(name, {}, parent);
  try {
    return await context.with(trace.setSpan(parent, span), body);
  } finally {
    span.end();
  }
}

/** Metadata for an outgoing call of `active`. */
export function inject(active: Context): Metadata {
  const metadata = new Metadata();
  propagation.inject(active, metadata, {
    set: (carrier, key, value) => carrier.set(key, value),
  });
  return metadata;
}

/** The context that an incoming call's metadata carries. */
export function extract(metadata: Metadata): Context {
  return propagation.extract(context.active(), metadata, {
    get: (carrier, key) => carrier.get(key).map(String),
    keys: (carrier) => Object.keys(carrier.getMap()),
  });
}
