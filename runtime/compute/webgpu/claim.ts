import { once } from 'node:events';
import { createServer } from 'node:net';
import { EngineUnavailableError } from '../../errors.js';

/**
 * ONNX Runtime's WebGPU provider has one context in a process, and crashes when
 * two threads use it. A name that Linux knows only while its socket is open
 * (abstract, without a file) is what the threads of a process share.
 *
 * @returns ends the claim
 * @throws EngineUnavailableError while another thread has it
 */
export async function claimProcess(): Promise<() => void> {
  const server = createServer();
  server.unref();
  try {
    const listening = once(server, 'listening');
    server.listen(`\0rrd-webgpu-${process.pid}`);
    await listening;
  } catch (cause) {
    const problem =
      'another thread of this process uses WebGPU, which serves one at a time: ' +
      'run teacher and student as processes of their own';
    throw new EngineUnavailableError({ engine: 'webgpu', problem }, { cause });
  }
  return () => void server.close();
}
