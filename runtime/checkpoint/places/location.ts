import { basename, dirname, join, resolve } from 'node:path';
import { ConfigInvalidError } from '../../errors.js';
import { FolderPlace } from './folder.js';
import type { CheckpointPlace } from './place.js';

const s3Scheme = 's3://';

/**
 * @param location a folder's path, or `s3://bucket/prefix`
 * @throws ConfigInvalidError for a location without a bucket
 */
export async function placeAt(location: string): Promise<CheckpointPlace> {
  if (!location.startsWith(s3Scheme)) return new FolderPlace(location);
  const [bucket, ...prefix] = location.slice(s3Scheme.length).split('/');
  if (!bucket) throw badLocation(location);
  // The SDK takes a while to load: only who keeps checkpoints there waits.
  const { S3Place } = await import('./s3.js');
  return new S3Place(bucket, prefix.filter((part) => part !== '').join('/'));
}

/** The place and the name of the checkpoint at `location`. */
export async function checkpointAt(
  location: string,
): Promise<readonly [CheckpointPlace, string]> {
  if (!location.startsWith(s3Scheme)) {
    const path = resolve(location);
    return [await placeAt(dirname(path)), basename(path)];
  }
  const parts = location.replace(/\/+$/, '').split('/');
  const name = parts.pop()!;
  if (parts.length < 3 || parts[2] === '') throw badLocation(location);
  return [await placeAt(parts.join('/')), name];
}

/** `names` below `location`. */
export function locationIn(location: string, ...names: string[]): string {
  if (!location.startsWith(s3Scheme)) return join(location, ...names);
  return [location.replace(/\/+$/, ''), ...names].join('/');
}

function badLocation(location: string): ConfigInvalidError {
  return new ConfigInvalidError({
    ...{ source: 'a checkpoint', line: '0', field: 'location' },
    ...{ value: location, expected: 'a path, or s3://bucket/prefix/name' },
  });
}
