import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../errors.js';
import {
  checkPattern,
  checkSubject,
  matches,
  runIdOf,
  subjects,
} from './subjects.js';

describe('matches', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.*.c', 'a.b.c', true],
    ['*', 'a', true],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a.b', true],
  ])('%s, %s: %s', (pattern, subject, expected) => {
    expect(matches(pattern, subject)).toBe(expected);
  });
});

describe('checks', () => {
  it('take patterns for subscriptions only', () => {
    for (const pattern of ['rrd.v1.*.x', 'rrd.v1.>', 'rrd.v1.a.*']) {
      expect(() => checkPattern(pattern)).not.toThrow();
      expect(() => checkSubject(pattern)).toThrow(InvalidRequestError);
    }
    for (const pattern of ['>', 'rrd.v1.>.a', 'rrd.v1.a*', 'other.>', '']) {
      expect(() => checkPattern(pattern)).toThrow(InvalidRequestError);
    }
  });
});

describe('runs', () => {
  it('are told from their subjects', () => {
    expect(runIdOf(subjects.runEvent('a-1'))).toBe('a-1');
    expect(runIdOf(subjects.runCancel('a-1'))).toBe('a-1');
    expect(runIdOf(subjects.dropped('runs'))).toBeUndefined();
    expect(matches(subjects.everyRunEvent, subjects.runEvent('a'))).toBe(true);
    expect(matches(subjects.everyRunEvent, subjects.runCancel('a'))).toBe(
      false,
    );
  });
});
