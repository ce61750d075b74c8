import { readFileSync } from 'node:fs';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
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
    throw fileProblem(path, line, 'malformed YAML', syntax.code);
  }
  for (const [field, value] of Object.entries(overrides)) {
    if (value !== undefined) document.setIn(field.split('.'), value);
  }
  return parseConfig(experimentSchema, document.toJS(), {
    name: path,
    lineOf: (keys) => lineOf(document, lines, keys),
  });
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
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
