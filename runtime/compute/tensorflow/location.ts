import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../paths.js';

/** For NVIDIA GPUs and for CPUs, in order of preference. */
export const builds = ['cuda', 'cpu'] as const;
export type Build = (typeof builds)[number];

/** The sources of our own operations. */
export const nativeFolder = join(
  packageRoot,
  'runtime/compute/tensorflow/native',
);

/**
 * What `digestOfOperations` says of them (a test holds it to that), so that a
 * build of others is not taken. Installations need not have the sources.
 */
export const operationsDigest = '9e72b2b5';

/**
 * Where `npm run setup:tensorflow` puts what it builds. The TensorFlow.js that
 * tfjs-node asks for is found from there in the folders above: it is ours.
 */
export function buildFolder(build: Build): string {
  const name = `${build}-2.21.0-${operationsDigest}`;
  return join(packageRoot, '.cache', 'tensorflow', name);
}

/** The first 8 digits of the SHA-256 of all sources. */
export function digestOfOperations(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(nativeFolder).sort())
    hash.update(readFileSync(join(nativeFolder, name)));
  return hash.digest('hex').slice(0, 8);
}
