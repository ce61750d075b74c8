import { createHash } from 'node:crypto';
import type { NamedHostTensors } from '#distill/tensors.js';

/** SHA-256 over names and values, in the order of the names. */
export function digestOf(tensors: NamedHostTensors): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(tensors).sort()) {
    const { buffer, byteOffset, byteLength } = tensors[name]!.data;
    hash.update(name).update('\0');
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
