import { createHash } from 'node:crypto';
import type { Normalization } from '#distill/data/dataset.js';
import type { ExtractorDescription } from './extractor.js';

export interface DigestParts {
  readonly description: Omit<ExtractorDescription, 'digest'>;
  readonly normalization: Normalization;
  /** The file of them. */
  readonly weights: Uint8Array;
  /** Outputs for the probe images, as bytes. */
  readonly truth: readonly Buffer[];
}

/**
 * Identity of what a teacher answers. Besides weights, network and engine it
 * covers the outputs for fixed images: two processors that the engine treats
 * differently (vector width, fused multiply-add) are two teachers.
 */
export function teacherDigest(parts: DigestParts): string {
  const { description, normalization, weights, truth } = parts;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([process.arch, description, normalization]));
  hash.update(weights);
  for (const bytes of truth) hash.update(bytes);
  return hash.digest('hex');
}
