import { readFileSync } from 'node:fs';
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
} from 'yaml';
import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { parseConfig } from '#runtime/config.js';
import { ConfigInvalidError } from '#runtime/errors.js';

/** Settings of the command line by path: they replace those of the file. */
export type Overrides = Readonly<Record<string, string | number | undefined>>;

/**
 * Reads an experiment from a YAML file and resolves all defaults.
 * @throws ConfigInvalidError that names file, line, field, value and what was
 *   expected, for the first thing that is wrong
 */
export function readExperiment(
  path: string,
  overrides: Overrides = {},
): Experiment {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax) {
    const line = syntax.linePos?.[0].line ?? 0;
    throw fileProblem(path, line, `malformed (${syntax.code})`, 'YAML');
  }
  override(document, overrides);
  return parseConfig(experimentSchema, toValue(document, path), {
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

function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases of nothing, or too many of them.
    const problem = error instanceof Error ? error.message : String(error);
    throw fileProblem(path, 0, `malformed (${problem})`, 'YAML');
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw fileProblem(path, 0, 'unreadable', 'a YAML file');
  }
}

function fileProblem(
  source: string,
  line: number,
  value: string,
  expected: string,
): ConfigInvalidError {
  const field = 'experiment';
  return new ConfigInvalidError({ source, line, field, value, expected });
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
