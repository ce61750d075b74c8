import { CorruptFileError } from '../errors.js';
import { readBounded } from '../files.js';
import { missing } from './places/place.js';

/** @throws CorruptFileError, also for a file that is not there */
export async function readStored(
  path: string,
  maxBytes: number,
): Promise<Buffer> {
  return readBounded(path, maxBytes).catch((cause: unknown) => {
    if (cause instanceof CorruptFileError) throw cause;
    throw new CorruptFileError({ path, problem: missing }, { cause });
  });
}
