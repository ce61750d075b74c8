import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseConfig } from './config.js';
import { ConfigInvalidError } from './errors.js';

const schema = z.strictObject({
  port: z.number().int().min(0).default(0),
  queue: z.strictObject({ capacity: z.number().int().positive() }),
});

function problemOf(value: unknown, by: z.ZodType = schema) {
  try {
    parseConfig(by, value, 'test');
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
    expect(problem.expected).toBe('more than 0');
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

  it.each([
    [{ port: '1' }, 'a number'],
    [{ port: 1.5 }, 'a whole number'],
    [{ port: -1 }, 'at least 0'],
    [{ port: Infinity }, 'a number'],
    [{ queue: [] }, 'a mapping of fields'],
    [{ order: 'up' }, 'one of before, after'],
    [{ name: '-' }, 'a text that matches /^[a-z]+$/'],
    [{ list: [1, 2, 3] }, 'at most 2 entries'],
    [{ either: 'x' }, 'a number or true or false'],
  ])('says of %j: expected %s', (value, expected) => {
    const other = z.strictObject({
      ...schema.partial().shape,
      order: z.enum(['before', 'after']).optional(),
      name: z
        .string()
        .regex(/^[a-z]+$/)
        .optional(),
      list: z.array(z.number()).max(2).optional(),
      either: z.union([z.number(), z.boolean()]).optional(),
    });
    expect(problemOf(value, other).expected).toBe(expected);
  });

  it('leaves the text of a rule of its own', () => {
    const ruled = schema.refine(() => false, 'a better idea');
    const value = { queue: { capacity: 1 } };
    expect(problemOf(value, ruled).expected).toBe('a better idea');
  });

  it('cuts long values short', () => {
    expect(problemOf('x'.repeat(1000)).value.length).toBeLessThanOrEqual(80);
  });

  it('asks the source for the line', () => {
    const source = { name: 'a.yaml', lineOf: () => 7 };
    expect(() => parseConfig(schema, {}, source)).toThrow('a.yaml:7');
  });
});
