import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { experimentFields, experimentSchema } from '#distill/experiment.js';
import { methodNames } from '#distill/methods/index.js';
import { packageRoot } from '#runtime/paths.js';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
}

const page = readFileSync(join(packageRoot, 'docs/experiments.md'), 'utf8');
const schema = z.toJSONSchema(experimentFields, { io: 'input' }) as Schema;
const { loss, ...fields } = schema.properties!;

/** Fields that have no fields of their own, by their paths. */
function leavesOf(
  { properties, ...leaf }: Schema,
  path = '',
): [string, Schema][] {
  if (!properties) return [[path, leaf]];
  const dot = path === '' ? '' : `${path}.`;
  return Object.entries(properties).flatMap(([name, own]) =>
    leavesOf(own, `${dot}${name}`),
  );
}

function rowOf(name: string): string {
  const row = page
    .split('\n')
    .find((line) => line.startsWith(`| \`${name}\` `));
  expect(row, name).toBeDefined();
  return row!;
}

/** As YAML writes it. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

describe('docs/experiments.md', () => {
  it.each(leavesOf({ properties: fields }))('has %s', (name, field) => {
    const [, , value] = rowOf(name).split('|');
    const { default: usual } = field;
    expect(value!.trim()).toBe(usual === undefined ? '' : shown(usual));
  });

  it.each(methodNames)('has every parameter of %s', (name) => {
    const row = rowOf(name);
    const { weight, ...others } = loss!.properties![name]!.properties!;
    expect(row.split('|')[2]!.trim()).toBe(shown(weight!.default));
    for (const [key, { default: usual }] of Object.entries(others)) {
      const text = usual === undefined ? key : `${key}: ${shown(usual)}`;
      expect(row).toContain(`\`${text}\``);
    }
  });

  it('has examples that parse', () => {
    const [whole] = [...page.matchAll(/```yaml\n(name:[^`]+)```/g)];
    expect(experimentSchema.safeParse(parse(whole![1]!)).success).toBe(true);
  });
});
