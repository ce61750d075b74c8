import { randomBytes } from 'node:crypto';

/** Readable, and unique enough: 40 random bits behind the name. */
export function newRunId(name: string): string {
  const readable = name.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 48);
  return `${readable}-${randomBytes(5).toString('hex')}`;
}
