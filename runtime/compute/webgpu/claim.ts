import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { EngineUnavailableError } from '../../errors.js';

/** Of this thread: it may claim more than once. */
let holders = 0;
let held: Promise<Server> | undefined;

/**
 * ONNX Runtime's WebGPU provider has one context in a process, and crashes when
 * two threads use it. A name that Linux knows only while its socket is open
 * (abstract, without a file) is what the threads of a process share.
 *
 * @returns ends the claim
 * @throws EngineUnavailableError while another thread has it
 */
export async function claimProcess(): Promise<() => void> {
  holders++;
  held ??= listen();
  try {
    await held;
  } catch (cause) {
    release();
    const problem =
      'another thread of this process uses WebGPU, which serves one at a time: ' +
      'run teacher and student as processes of their own';
    throw new EngineUnavailableError({ engine: 'webgpu', problem }, { cause });
  }
  let ended = false;
  return () => {
    if (!ended) release();
    ended = true;
  };
}

function release(): void {
  if (--holders > 0) return;
  void held?.then(
    (server) => server.close(),
    () => undefined, // it never listened
  );
  held = undefined;
}

async function listen(): Promise<Server> {
  const server = createServer();
  server.unref();
  const listening = once(server, 'listening');
  server.listen(`\0rrd-webgpu-${process.pid}`);
  await listening;
  return server;
}
