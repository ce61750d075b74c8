import { createHash } from 'node:crypto';
import type { Normalization } from '#distill/data/dataset.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { encodeSafetensors } from '#runtime/checkpoint/index.js';
import type { ExtractorDescription } from './extractor.js';

export interface DigestParts {
  readonly description: Omit<ExtractorDescription, 'digest'>;
  readonly normalization: Normalization;
  readonly tensors: NamedHostTensors;
  /** Outputs for the probe images, as bytes. */
  readonly truth: readonly Buffer[];
}

/**
 * Identity of what a teacher answers. Besides weights, network and engine it
 * covers the outputs for fixed images: two processors that the engine treats
 * differently (vector width, fused multiply-add) are two teachers.
 */
export function teacherDigest(parts: DigestParts): string {
  const { description, normalization, tensors, truth } = parts;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([process.arch, description, normalization]));
  hash.update(encodeSafetensors(tensors));
  for (const bytes of truth) hash.update(bytes);
  return hash.digest('hex');
}
