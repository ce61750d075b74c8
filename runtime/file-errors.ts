import { domainError } from './domain-error.js';

/** What can go wrong with files and checkpoints; see errors.ts. */

/** A file is not what its format promises (truncated, wrong magic, bad sum). */
export class CorruptFileError extends domainError<'path' | 'problem'>({
  reason: 'CORRUPT_FILE',
  status: 'DATA_LOSS',
  text: (m) => `${m.path} is damaged: ${m.problem}`,
}) {}

/** A pickle asks for more than data: to import, to call, to read a file. */
export class UnsafeCheckpointError extends domainError<'path' | 'what'>({
  reason: 'UNSAFE_CHECKPOINT',
  status: 'INVALID_ARGUMENT',
  text: (m) =>
    `${m.path} uses ${m.what}, which no checkpoint needs; nothing was executed`,
}) {}

/** Where checkpoints are kept could not be reached, or said no. */
export class CheckpointStorageError extends domainError<'location' | 'problem'>(
  {
    reason: 'CHECKPOINT_STORAGE',
    status: 'UNAVAILABLE',
    text: (m) => `${m.location} could not be reached: ${m.problem}`,
  },
) {}

/** The weights in a file are not those of the network. */
export class CheckpointMismatchError extends domainError<
  'path' | 'tensor' | 'expected' | 'actual'
>({
  reason: 'CHECKPOINT_MISMATCH',
  status: 'FAILED_PRECONDITION',
  text: (m) =>
    `${m.path}: ${m.tensor}: expected ${m.expected}, found ${m.actual}`,
}) {}

/** A file could not be fetched: no way to the server, or it said no. */
export class DownloadError extends domainError<'url' | 'problem'>({
  reason: 'DOWNLOAD',
  status: 'UNAVAILABLE',
  text: (m) => `${m.url} could not be downloaded: ${m.problem}`,
}) {}

/** All of the above, for rebuilding them from the wire. */
export const fileErrors = [
  CorruptFileError,
  UnsafeCheckpointError,
  CheckpointStorageError,
  CheckpointMismatchError,
  DownloadError,
];
