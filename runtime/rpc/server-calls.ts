import { once } from 'node:events';
import type { PeerCertificate } from 'node:tls';
import {
  Metadata,
  status as Code,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import {
  DeadlineExceededError,
  DomainError,
  DrainingError,
} from '../errors.js';
import type { Logger } from '../logger.js';
import type { AnyMethod, Call } from './contract.js';
import type { Authorise } from './access.js';
import { observe } from './observe.js';
import { toStatus, type StatusResponse } from './status.js';
import { extract } from './trace.js';

/** Turns our handlers into grpc-js's. Errors leave through `fail` only. */

type Unary = (request: object, call: Call) => Promise<object>;
type ServerStream = (request: object, call: Call) => AsyncIterable<object>;
type ClientStream = (
  requests: AsyncIterable<object>,
  call: Call,
) => Promise<object>;

type BidiStream = (
  requests: AsyncIterable<object>,
  call: Call,
) => AsyncIterable<object>;

/** Any handler; which of the four it is stands in its method's definition. */
export type AnyHandler = Unary & ServerStream & ClientStream & BidiStream;

/** A call in progress, so that a closing server can end it. */
export interface RunningCall extends Call {
  readonly streaming: boolean;
  readonly abort: (reason?: unknown) => void;
}

/** What all kinds of grpc-js's calls have. */
interface AnyCall {
  readonly metadata: Metadata;
  getPath(): string;
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
  getDeadline(): Date | number;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** What the calls of one server share. */
export interface Surroundings {
  readonly name: string;
  readonly log: Logger;
  readonly running: Set<RunningCall>;
  /** Without it, whoever can connect may call. */
  readonly authorise: Authorise | undefined;
  /** How long a caller may keep a stream waiting. */
  readonly stallMs: number;
  draining: boolean;
}

export function adapt(
  method: AnyMethod,
  handler: AnyHandler,
  around: Surroundings,
): UntypedHandleCall {
  if (method.requestStream && method.responseStream) {
    return bidiStream(method, handler, around);
  }
  if (method.responseStream) return serverStream(method, handler, around);
  if (method.requestStream) return clientStream(method, handler, around);
  return unary(method, handler, around);
}

function unary(method: AnyMethod, handler: Unary, around: Surroundings) {
  const handle: handleUnaryCall<object, object> = (call, callback) => {
    const running = begin(call, method, around);
    void respond(call, method, running, callback, () =>
      handler(call.request, running),
    ).finally(() => around.running.delete(running));
  };
  return handle;
}

function clientStream(
  method: AnyMethod,
  handler: ClientStream,
  around: Surroundings,
) {
  const handle: handleClientStreamingCall<object, object> = (
    call,
    callback,
  ) => {
    const running = begin(call, method, around);
    void respond(call, method, running, callback, () =>
      handler(readAll(call, running, around), running),
    ).finally(() => around.running.delete(running));
  };
  return handle;
}

/** No span: it would last for hours. Messages carry their own context. */
function serverStream(
  method: AnyMethod,
  handler: ServerStream,
  around: Surroundings,
) {
  const handle: handleServerStreamingCall<object, object> = (call) => {
    const running = begin(call, method, around);
    const responses = () => handler(call.request, running);
    respondAll(call, responses, running, around);
  };
  return handle;
}

/** As a server stream; its caller may say nothing for as long as it likes. */
function bidiStream(
  method: AnyMethod,
  handler: BidiStream,
  around: Surroundings,
) {
  const handle: handleBidiStreamingCall<object, object> = (call) => {
    const running = begin(call, method, around);
    const requests = readUntilAborted(call, running.signal);
    respondAll(call, () => handler(requests, running), running, around);
  };
  return handle;
}

function respondAll(
  call:
    ServerWritableStream<object, object> | ServerDuplexStream<object, object>,
  responses: () => AsyncIterable<object>,
  running: RunningCall,
  around: Surroundings,
): void {
  context
    .with(extract(call.metadata), async () => {
      running.signal.throwIfAborted();
      await writeAll(call, responses(), running, around);
    })
    .then(
      () => call.end(),
      (error: unknown) => call.emit('error', failure(error, running)),
    )
    .finally(() => around.running.delete(running));
}

function begin(
  call: AnyCall,
  method: AnyMethod,
  around: Surroundings,
): RunningCall {
  const controller = new AbortController();
  call.once('cancelled', () => controller.abort());
  if (around.draining) {
    controller.abort(new DrainingError({ service: around.name }));
  }
  try {
    const { sslPeerCertificate } = call.getAuthContext();
    around.authorise?.(sslPeerCertificate, method.path.slice(1));
  } catch (error) {
    controller.abort(error);
  }
  const running = {
    peer: call.getPeer(),
    deadlineMs: Number(call.getDeadline()) - Date.now(),
    signal: controller.signal,
    log: around.log.child({ rpc: method.path.slice(1) }),
    streaming: method.responseStream,
    abort: (reason?: unknown) => controller.abort(reason),
  };
  around.running.add(running);
  return running;
}

async function respond(
  call: AnyCall,
  method: AnyMethod,
  running: RunningCall,
  callback: sendUnaryData<object>,
  body: () => Promise<object>,
): Promise<void> {
  const parent = extract(call.metadata);
  try {
    const response = await observe(
      'server',
      method,
      parent,
      running.signal,
      async () => {
        running.signal.throwIfAborted();
        return body();
      },
    );
    callback(null, response);
  } catch (error) {
    callback(failure(error, running));
  }
}

/** Requests as they come; a caller that leaves ends them by an error. */
async function* readAll(
  call: ServerReadableStream<object, object>,
  running: RunningCall,
  around: Surroundings,
): AsyncGenerator<object> {
  const { signal } = running;
  signal.addEventListener('abort', () => call.destroy(), { once: true });
  const requests = call[Symbol.asyncIterator]();
  const next = () => unlessStalled(call, running, around, requests.next());
  try {
    for (let read = await next(); !read.done; read = await next()) {
      yield read.value as object;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * Leaves the call open for responses, however the requests end. The stream's own
 * iterator would not: when the call fails it destroys it, and with it the status
 * that waits behind a response, so that the caller waits for ever.
 */
async function* readUntilAborted(
  call: ServerDuplexStream<object, object>,
  signal: AbortSignal,
): AsyncGenerator<object> {
  let wake = () => {};
  const onNews = () => wake();
  const events = ['readable', 'end', 'close'] as const;
  for (const event of events) call.on(event, onNews);
  signal.addEventListener('abort', onNews);
  try {
    for (;;) {
      signal.throwIfAborted();
      const request = call.read() as object | null;
      if (request !== null) yield request;
      else if (call.readableEnded || call.destroyed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    for (const event of events) call.off(event, onNews);
    signal.removeEventListener('abort', onNews);
  }
}

/** Never writes faster than the caller reads. */
async function writeAll(
  call:
    ServerWritableStream<object, object> | ServerDuplexStream<object, object>,
  responses: AsyncIterable<object>,
  running: RunningCall,
  around: Surroundings,
): Promise<void> {
  const { signal } = running;
  for await (const response of responses) {
    signal.throwIfAborted();
    if (call.write(response)) continue;
    const drained = once(call, 'drain', { signal });
    await unlessStalled(call, running, around, drained);
  }
  // A handler may stop at the signal; its caller must not take that for all.
  signal.throwIfAborted();
}

/**
 * Gives up a caller that keeps us waiting for `stallMs`, so that it does not
 * hold memory for ever.
 */
async function unlessStalled<T>(
  call: AnyCall,
  { abort }: RunningCall,
  { name, stallMs }: Surroundings,
  waiting: Promise<T>,
): Promise<T> {
  const method = call.getPath();
  const stalled = { service: name, method, deadlineMs: stallMs };
  const timer = setTimeout(
    () => abort(new DeadlineExceededError(stalled)),
    stallMs,
  );
  return waiting.finally(() => clearTimeout(timer));
}

function failure(error: unknown, { signal, log }: RunningCall): StatusResponse {
  const known: unknown = signal.aborted ? signal.reason : error;
  if (known instanceof DomainError) {
    log.debug({ reason: known.reason, metadata: known.metadata }, 'refused');
    return toStatus(known);
  }
  if (signal.aborted) {
    const details = 'the caller gave the call up';
    return { code: Code.CANCELLED, details, metadata: new Metadata() };
  }
  log.error({ err: error }, 'failed');
  return toStatus(error);
}
