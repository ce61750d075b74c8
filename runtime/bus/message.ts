import { InvalidRequestError } from '../errors.js';
import { maxMessageBytes, type JsonObject } from './bus.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @throws InvalidRequestError for more than `maxMessageBytes`. */
export function encode(field: string, value: JsonObject): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value));
  if (bytes.length <= maxMessageBytes) return bytes;
  throw new InvalidRequestError({
    field,
    value: `${bytes.length} bytes as JSON`,
    expected: `at most ${maxMessageBytes}`,
  });
}

/** What `encode` made. Anything else is a foreign writer's mistake: `{}`. */
export function decode(bytes: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    if (isObject(value)) return value;
  } catch {
    // Falls through: readers validate what they get, and refuse `{}`.
  }
  return {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
