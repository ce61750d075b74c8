import { readFileSync } from 'node:fs';
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
} from 'yaml';
import type { z } from 'zod';
import { parseConfig } from './config.js';
import { ConfigInvalidError } from './errors.js';

/** Settings of the command line by path: they replace those of the file. */
export type Overrides = Readonly<Record<string, string | number | undefined>>;

/** What a file should hold. */
export interface Form<Schema extends z.ZodType> {
  /** For errors of the file as a whole: `experiment`. */
  readonly what: string;
  readonly schema: Schema;
}

/**
 * Reads a YAML file, validates it and resolves all defaults.
 * @throws ConfigInvalidError that names file, line, field, value and what was
 *   expected, for the first thing that is wrong
 */
export function readYaml<Schema extends z.ZodType>(
  path: string,
  { what, schema }: Form<Schema>,
  overrides: Overrides = {},
): z.output<Schema> {
  const problem = (value: string, expected: string, line = 0) => {
    const where = { source: path, line, field: what };
    return new ConfigInvalidError({ ...where, value, expected });
  };
  const lines = new LineCounter();
  const text = readText(path);
  if (text === undefined) throw problem('unreadable', 'a YAML file');
  const document = parseDocument(text, { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax) {
    const line = syntax.linePos?.[0].line ?? 0;
    throw problem(`malformed (${syntax.code})`, 'YAML', line);
  }
  override(document, overrides);
  return parseConfig(schema, toValue(document, problem), {
    name: path,
    lineOf: (keys) => lineOf(document, lines, keys),
  });
}

/** Where the file has no place for a setting, validation says so. */
function override(document: Document, overrides: Overrides): void {
  for (const [field, value] of Object.entries(overrides)) {
    const path = field.split('.');
    const parent = document.getIn(path.slice(0, -1), true);
    if (value !== undefined && isMap(parent)) document.setIn(path, value);
  }
}

function toValue(
  document: Document,
  problem: (value: string, expected: string) => ConfigInvalidError,
): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases of nothing, or too many of them.
    const text = error instanceof Error ? error.message : String(error);
    throw problem(`malformed (${text})`, 'YAML');
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The line of the innermost part of a path that the file has. */
function lineOf(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node = nodeAt(document, path.slice(0, depth));
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** The key of a field, since its value may stand on lines below; else it. */
function nodeAt(document: Document, path: readonly PropertyKey[]): unknown {
  const parent = document.getIn(path.slice(0, -1), true);
  const pair =
    isMap(parent) &&
    parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
  return pair ? pair.key : document.getIn(path, true);
}
