import {
  Worker,
  parentPort,
  threadId,
  type ResourceLimits,
} from 'node:worker_threads';
import {
  DomainError,
  InternalError,
  ThreadBusyError,
  ThreadLostError,
  rebuildError,
} from './errors.js';
import type { ErrorMetadata } from './errors.js';
import { transferListOf } from './worker-transfer.js';
import { refuseTelemetryOfOnnxRuntime } from './env.js';

export { moved } from './worker-transfer.js';

/**
 * Async calls into a worker thread, over its message port. The thread's entry
 * file calls `serveWorker(api)` with an object of async methods; the owner gets
 * the same methods as a proxy from `startWorker<typeof api>(entry, ...)`.
 *
 * Arguments and results are copied (structured clone) unless wrapped in
 * `moved(...)`. Calls start in the order in which they were made and may
 * overlap; a method that must not overlap queues itself.
 */
export type WorkerApi<Api> = {
  [Method in keyof Api]: (...args: never[]) => Promise<unknown>;
};

export interface WorkerOptions {
  /** Names the thread in errors and in the operating system's tools. */
  readonly name: string;
  /** What the entry file finds as `workerData`. */
  readonly data?: unknown;
  readonly resourceLimits?: ResourceLimits;
  /** The thread must call `serveWorker` within this time. Default 60 s. */
  readonly startWithinMs?: number;
  /** Calls in flight beyond this many throw `ThreadBusyError`. Default 64. */
  readonly maxPendingCalls?: number;
  /**
   * Calls in flight when the thread is closed may go on for so long. Default
   * 30 s: native code that comes back to a thread which is gone (ONNX Runtime's
   * does) ends the whole process. 0 is for threads that call none.
   */
  readonly endWithinMs?: number;
}

export interface WorkerHandle<Api> {
  /** The thread's methods. */
  readonly api: Api;
  /** Settles once, with the reason, when the thread is gone. */
  readonly lost: Promise<ThreadLostError>;
  /**
   * Calls in flight throw `ThreadLostError` at once; the thread ends when they
   * have come back, or after `endWithinMs`.
   */
  close(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** How an error crosses: a domain error's fields, or a text for the log. */
type Failure =
  | { readonly reason: string; readonly metadata: ErrorMetadata }
  | { readonly text: string };

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

type Message = 'ready' | Reply;

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * Starts a thread and waits until it serves.
 *
 * @throws ThreadLostError if the thread dies or stays silent while starting
 */
export async function startWorker<Api extends WorkerApi<Api>>(
  entry: URL,
  options: WorkerOptions,
): Promise<WorkerHandle<Api>> {
  const { name, data, resourceLimits = {} } = options;
  refuseTelemetryOfOnnxRuntime();
  const worker = new Worker(entry, { name, workerData: data, resourceLimits });
  const calls = new PendingCalls(name, options.maxPendingCalls ?? 64);
  const lost = deathOf(worker, name);
  void lost.then((error) => calls.end(error));
  const ready = new Promise<void>((resolve) => {
    worker.on('message', (message: Message) => {
      if (message === 'ready') resolve();
      else calls.settle(message);
    });
  });
  const end = async () => {
    const problem = 'it was closed';
    calls.end(new ThreadLostError({ thread: name, problem }));
    await calls.backWithin(options.endWithinMs ?? 30_000, lost);
    await worker.terminate();
    await lost;
  };
  let ending: Promise<void> | undefined;
  const close = () => (ending ??= end());
  await startedWithin(options.startWithinMs ?? 60_000, name, ready, lost).catch(
    async (error: unknown) => {
      await close();
      throw error;
    },
  );
  const send = (method: string, args: readonly unknown[]) =>
    calls.add((id) => {
      const call: Call = { id, method, args };
      worker.postMessage(call, args.flatMap(transferListOf));
    });
  return { api: proxyOf<Api>(send), lost, close };
}

/** Serves `api` to the owner of this thread. Call it once, at the end. */
export function serveWorker<Api extends WorkerApi<Api>>(api: Api): void {
  const port = parentPort;
  if (!port) throw new Error('serveWorker is for worker threads');
  const answer = async ({ id, method, args }: Call) => {
    try {
      const value = await api[method as keyof Api](...(args as never[]));
      port.postMessage({ id, value } satisfies Reply, transferListOf(value));
    } catch (error) {
      port.postMessage({ id, failure: failureOf(error) } satisfies Reply);
    }
  };
  port.on('message', (call: Call) => void answer(call));
  port.postMessage('ready' satisfies Message);
}

/** Resolves when the thread is gone, with why. */
function deathOf(worker: Worker, name: string): Promise<ThreadLostError> {
  return new Promise((resolve) => {
    const end = (problem: string, cause?: unknown) =>
      resolve(new ThreadLostError({ thread: name, problem }, { cause }));
    // 'error' comes before 'exit' and knows why (out of memory, say).
    worker.once('error', (error) => end(String(error), error));
    worker.once('exit', (code) => end(`it ended with code ${code}`));
  });
}

async function startedWithin(
  startWithinMs: number,
  name: string,
  ready: Promise<void>,
  lost: Promise<ThreadLostError>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ThreadLostError>((resolve) => {
    const problem = `it did not start within ${startWithinMs} ms`;
    timer = setTimeout(
      () => resolve(new ThreadLostError({ thread: name, problem })),
      startWithinMs,
    );
  });
  const error = await Promise.race([ready, lost, late]);
  clearTimeout(timer);
  if (error) throw error;
}

/** Calls that wait for their reply, at most `limit` of them. */
class PendingCalls {
  private readonly waiting = new Map<number, PendingCall>();
  private nextId = 0;
  private ended: ThreadLostError | undefined;
  private onBack = () => {};

  constructor(
    private readonly thread: string,
    private readonly limit: number,
  ) {}

  async add(send: (id: number) => void): Promise<unknown> {
    if (this.ended) throw this.ended;
    if (this.waiting.size >= this.limit) {
      throw new ThreadBusyError({ thread: this.thread, calls: this.limit });
    }
    const id = this.nextId++;
    send(id);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    });
  }

  settle(reply: Reply): void {
    const call = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) this.onBack();
    if ('failure' in reply) call?.reject(errorOf(reply.failure, this.thread));
    else call?.resolve(reply.value);
  }

  /** Callers get the error, now and from now on. */
  end(error: ThreadLostError): void {
    this.ended ??= error;
    for (const call of this.waiting.values()) call.reject(error);
  }

  /** Resolves when no call is in the thread, at the latest after `ms`. */
  async backWithin(ms: number, lost: Promise<unknown>): Promise<void> {
    if (this.waiting.size === 0 || ms === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const back = new Promise<void>((resolve) => {
      this.onBack = resolve;
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([back, lost]);
    clearTimeout(timer);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof DomainError && !(error instanceof InternalError)) {
    return { reason: error.reason, metadata: error.metadata };
  }
  const cause = error instanceof InternalError ? error.cause : error;
  const text = cause instanceof Error ? cause.stack : undefined;
  return { text: `thread ${threadId}: ${text ?? String(cause)}` };
}

/** The class again, or an `InternalError` whose cause has the thread's stack. */
function errorOf(failure: Failure, thread: string): DomainError {
  if ('reason' in failure) {
    const rebuilt = rebuildError(failure.reason, failure.metadata);
    if (rebuilt) return rebuilt;
  }
  const text = 'text' in failure ? failure.text : failure.reason;
  return new InternalError({}, { cause: new Error(`${thread}: ${text}`) });
}

/** An object on which every name is a method that calls `send`. */
function proxyOf<Api>(
  send: (method: string, args: readonly unknown[]) => Promise<unknown>,
): Api {
  const methodOf = (_: object, method: string | symbol) =>
    // `then` would make the proxy look like a promise to `await`.
    typeof method === 'string' && method !== 'then'
      ? (...args: unknown[]) => send(method, args)
      : undefined;
  return new Proxy({}, { get: methodOf }) as Api;
}
