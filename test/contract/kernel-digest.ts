// Prints a digest of what an engine's kernels give: node kernel-digest.js ENGINE
import { createHash } from 'node:crypto';
import type { EngineName } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
import { normInputs, norms, otherInputs, others } from './kernel-programs.js';

const engine = await createEngine(process.argv[2] as EngineName);
const hash = createHash('sha256');
for (const [program, inputs] of [
  [norms, normInputs()],
  [others, otherInputs()],
] as const) {
  const executable = await engine.compile(program, {});
  for (const { data } of Object.values(await executable.run(inputs)))
    hash.update(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
}
await engine.dispose();
console.log(hash.digest('hex'));
