import { join } from 'node:path';
import { packageRoot } from '../../paths.js';

/** For NVIDIA GPUs and for CPUs, in order of preference. */
export const builds = ['cuda', 'cpu'] as const;
export type Build = (typeof builds)[number];

/**
 * Where `npm run setup:tensorflow` puts what it builds. The TensorFlow.js that
 * tfjs-node asks for is found from there in the folders above: it is ours.
 */
export function buildFolder(build: Build): string {
  return join(packageRoot, '.cache', 'tensorflow', `${build}-2.21.0`);
}
