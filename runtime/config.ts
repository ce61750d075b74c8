import { z } from 'zod';
import { expectationOf } from './config-expectation.js';
import { ConfigInvalidError } from './errors.js';

/** Settings of services, coerced: the environment has only texts. */
export const countSetting = z.coerce.number().int().positive();

/** Several of them: a list, or a text with commas. */
export function listSetting<Item extends z.ZodType>(item: Item) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',') : value),
    z.array(item),
  );
}

/** A time to wait, as long as timers can: beyond it, they fire at once. */
export const waitMsSetting = countSetting.max(2 ** 31 - 1);

/** Where a value of a configuration stands, for a reader of the error. */
export interface ConfigSource {
  /** A file's path, `environment`, `request`, ... */
  readonly name: string;
  /** The line of a path into the configuration; 0 if there are no lines. */
  lineOf(path: readonly PropertyKey[]): number;
}

/**
 * Validates a configuration and fills in its defaults.
 * @throws ConfigInvalidError for the first problem: field, value, expectation
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  source: ConfigSource | string,
): z.output<Schema> {
  const result = schema.safeParse(value, { error: expectationOf });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw toConfigError(issue as z.core.$ZodIssue, value, asSource(source));
}

function asSource(source: ConfigSource | string): ConfigSource {
  return typeof source === 'string'
    ? { name: source, lineOf: () => 0 }
    : source;
}

function toConfigError(
  issue: z.core.$ZodIssue,
  input: unknown,
  source: ConfigSource,
): ConfigInvalidError {
  // An unknown key is a problem of the key, not of the object around it.
  const unknownKey =
    issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path =
    unknownKey === undefined ? issue.path : [...issue.path, unknownKey];
  return new ConfigInvalidError({
    source: source.name,
    line: source.lineOf(path),
    field: path.map(String).join('.') || 'configuration',
    value: preview(valueAt(input, path)),
    expected: issue.message,
  });
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  );
}

/** A value as JSON, cut short: it may come from anyone. */
function preview(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
