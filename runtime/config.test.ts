import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseConfig } from './config.js';
import { ConfigInvalidError } from './errors.js';

const schema = z.strictObject({
  port: z.number().int().min(0).default(0),
  queue: z.strictObject({ capacity: z.number().int().positive() }),
});

function problemOf(value: unknown) {
  try {
    parseConfig(schema, value, 'test');
  } catch (error) {
    if (error instanceof ConfigInvalidError) return error.metadata;
  }
  throw new Error('accepted');
}

describe('parseConfig', () => {
  it('fills in defaults', () => {
    const config = parseConfig(schema, { queue: { capacity: 4 } }, 'test');
    expect(config).toEqual({ port: 0, queue: { capacity: 4 } });
  });

  it('names the field, its value and what was expected', () => {
    const problem = problemOf({ queue: { capacity: 0 } });
    expect(problem.field).toBe('queue.capacity');
    expect(problem.value).toBe('0');
    expect(problem.expected).toMatch(/>0/);
  });

  it('names an unknown key', () => {
    const problem = problemOf({ queue: { capacity: 1, capactiy: 2 } });
    expect(problem.field).toBe('queue.capactiy');
    expect(problem.expected).toBe('no such field');
  });

  it('names what is missing', () => {
    const problem = problemOf({});
    expect(problem).toMatchObject({ field: 'queue', value: 'missing' });
  });

  it('cuts long values short', () => {
    expect(problemOf('x'.repeat(1000)).value.length).toBeLessThanOrEqual(80);
  });

  it('asks the source for the line', () => {
    const source = { name: 'a.yaml', lineOf: () => 7 };
    expect(() => parseConfig(schema, {}, source)).toThrow('a.yaml:7');
  });
});
