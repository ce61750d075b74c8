import type { z } from 'zod';

/** What a setting should have been, in words that follow "expected". */

type Issue = z.core.$ZodRawIssue;

/** Names of types for people who write YAML and environment variables. */
const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of fields',
  record: 'a mapping',
};

const units: Readonly<Record<string, string>> = {
  string: ' characters',
  array: ' entries',
};

/** zod's text is left where undefined is returned. */
export function expectationOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bound(
        issue.inclusive ? 'at least' : 'more than',
        issue.minimum,
        issue.origin,
      );
    case 'too_big':
      return bound(
        issue.inclusive ? 'at most' : 'less than',
        issue.maximum,
        issue.origin,
      );
    case 'invalid_format':
      return issue.pattern && `a text that matches ${issue.pattern}`;
    case 'unrecognized_keys':
      return 'no such field';
    case 'invalid_union':
      return unionOf(issue.errors);
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'not_multiple_of':
      return undefined;
  }
}

function bound(relation: string, limit: number | bigint, origin: string) {
  return `${relation} ${limit}${units[origin] ?? ''}`;
}

/** The branches' own first problems; their texts are made already. */
function unionOf(branches: readonly (readonly z.core.$ZodIssue[])[]): string {
  const texts = branches.flatMap(([first]) => (first ? [first.message] : []));
  return [...new Set(texts)].join(' or ');
}
