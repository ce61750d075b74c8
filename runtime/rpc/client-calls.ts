import { once, setMaxListeners } from 'node:events';
import type { Writable } from 'node:stream';
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { DeadlineExceededError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { AnyMethod, CallOptions } from './contract.js';
import { observe } from './observe.js';
import { fromServiceError } from './status.js';
import { inject } from './trace.js';

/** The four kinds of calls on grpc-js's client, as promises and iterables. */

const defaultDeadlineMs = 10_000;

export interface Target {
  client: Client;
  address: string;
  service: string;
  /** The method's name in the contract. */
  name: string;
  method: AnyMethod;
  log: Logger | undefined;
}

/** The function behind one member of a stub. */
export function callMethod(target: Target) {
  const { method } = target;
  if (method.responseStream) {
    const open = method.requestStream ? bidiStream : serverStream;
    return (request: object, options: CallOptions = {}) =>
      open(target, request as AsyncIterable<object>, options);
  }
  const run = method.requestStream
    ? (requests: unknown, options: CallOptions) =>
        clientStream(target, requests as AsyncIterable<object>, options)
    : (request: unknown, options: CallOptions) =>
        unary(target, request as object, options);
  return (input: unknown, options: CallOptions = {}) =>
    observe('client', method, context.active(), options.signal, () =>
      run(input, options),
    );
}

function unary(
  target: Target,
  request: object,
  { signal, deadlineMs = defaultDeadlineMs }: CallOptions,
): Promise<object> {
  const { client, method } = target;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const fail = failer(target, deadlineMs, signal);
    const cancel = () => call.cancel();
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      inject(context.active()),
      { deadline: Date.now() + deadlineMs },
      (error, response) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(fail(error));
        else resolve(response as object);
      },
    );
    onAbort(signal, cancel);
  });
}

function clientStream(
  target: Target,
  requests: AsyncIterable<object>,
  { signal, deadlineMs = defaultDeadlineMs }: CallOptions,
): Promise<object> {
  const { client, method } = target;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const fail = failer(target, deadlineMs, signal);
    const answered = new AbortController();
    const cancel = () => call.cancel();
    const call = client.makeClientStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      inject(context.active()),
      { deadline: Date.now() + deadlineMs },
      (error, response) => {
        signal?.removeEventListener('abort', cancel);
        answered.abort();
        if (error) reject(fail(error));
        else resolve(response as object);
      },
    );
    onAbort(signal, cancel);
    writeAll(call, requests, answered.signal).catch((error: Error) => {
      // The caller's own iterable failed, or the server had enough.
      reject(error);
      call.cancel();
    });
  });
}

async function writeAll(
  call: Writable,
  requests: AsyncIterable<object>,
  answered: AbortSignal,
): Promise<void> {
  for await (const request of requests) {
    if (answered.aborted) return;
    if (!call.write(request)) await once(call, 'drain', { signal: answered });
  }
  call.end();
}

function serverStream(
  target: Target,
  request: object,
  options: CallOptions,
): AsyncGenerator<object> {
  const { client, method } = target;
  return responses(target, options, (metadata, bounds) =>
    client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      bounds,
    ),
  );
}

/** The requests should end when the caller wants no more responses. */
function bidiStream(
  target: Target,
  requests: AsyncIterable<object>,
  options: CallOptions,
): AsyncGenerator<object> {
  const { client, method } = target;
  return responses(target, options, (metadata, bounds) => {
    const call = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata,
      bounds,
    );
    const ended = new AbortController();
    call.once('close', () => ended.abort());
    writeAll(call, requests, ended.signal).catch((error: Error) => {
      if (!ended.signal.aborted) call.destroy(error);
    });
    return call;
  });
}

type ResponseCall = AsyncIterable<unknown> & { cancel(): void };

/** Starts with the first `next()`; leaving the loop cancels the call. */
async function* responses(
  target: Target,
  { signal, deadlineMs, idleMs }: CallOptions,
  open: (metadata: Metadata, bounds: { deadline?: number }) => ResponseCall,
): AsyncGenerator<object> {
  signal?.throwIfAborted();
  const fail = failer(target, deadlineMs ?? 0, signal);
  const call = open(
    inject(context.active()),
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
  );
  const cancel = () => call.cancel();
  onAbort(signal, cancel);
  const silence = watchSilence(target, idleMs, cancel);
  try {
    silence.expect();
    for await (const response of call) {
      silence.stop();
      yield response as object;
      silence.expect();
    }
    signal?.throwIfAborted();
  } catch (error) {
    throw silence.error ?? fail(error as ServiceError);
  } finally {
    silence.stop();
    signal?.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Counts only while a message is awaited, not while the reader is busy. */
function watchSilence(
  { service, name }: Target,
  idleMs: number | undefined,
  cancel: () => void,
) {
  let timer: NodeJS.Timeout | undefined;
  const watch = {
    error: undefined as DeadlineExceededError | undefined,
    expect() {
      if (idleMs === undefined) return;
      timer = setTimeout(() => {
        watch.error = new DeadlineExceededError({
          service,
          method: name,
          deadlineMs: idleMs,
        });
        cancel();
      }, idleMs);
    },
    stop: () => clearTimeout(timer),
  };
  return watch;
}

/** One signal ends all calls of a run; every call takes its listener away. */
function onAbort(signal: AbortSignal | undefined, cancel: () => void): void {
  if (signal === undefined) return;
  setMaxListeners(0, signal); // Node would warn of a leak from the 11th on
  signal.addEventListener('abort', cancel, { once: true });
}

/** Turns what grpc-js reports into what our callers get. */
function failer(
  { service, name, address, log }: Target,
  deadlineMs: number,
  signal: AbortSignal | undefined,
) {
  const started = performance.now();
  return (error: ServiceError): Error => {
    if (signal?.aborted === true) return signal.reason as Error;
    const waitedMs = Math.round(performance.now() - started);
    log?.debug({ service, method: name, address, err: error }, 'call failed');
    return fromServiceError(error, {
      service,
      method: name,
      address,
      deadlineMs,
      waitedMs,
    });
  };
}
