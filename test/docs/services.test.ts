import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#runtime/paths.js';
import * as memoryBank from '../../services/memory-bank/config.js';
import * as orchestrator from '../../services/orchestrator/config.js';
import * as student from '../../services/student/config.js';
import * as teacher from '../../services/teacher/config.js';

const page = readFileSync(join(packageRoot, 'docs/services.md'), 'utf8');

/** `{ listen: { port: 0 } }` -> `['LISTEN__PORT', 0]`, as readEnv reads it. */
function variablesOf(settings: object, path = ''): [string, unknown][] {
  return Object.entries(settings).flatMap(
    ([name, value]: [string, unknown]) => {
      const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`);
      const variable = `${path}${snake.toUpperCase()}`;
      return typeof value === 'object' && value !== null
        ? variablesOf(value, `${variable}__`)
        : [[variable, value] as [string, unknown]];
    },
  );
}

describe('docs/services.md', () => {
  it.each([
    ['RRD_TEACHER_', teacher.toConfig({})],
    ['RRD_BANK_', memoryBank.toConfig()],
    ['RRD_STUDENT_', student.toConfig({ worker: 'HOST-PID' })],
    ['RRD_ORCHESTRATOR_', orchestrator.toConfig()],
  ])('has every %s setting with its default', (prefix, config) => {
    for (const [name, value] of variablesOf(config)) {
      const variable = `${name.startsWith('LISTEN') ? 'RRD_..._' : prefix}${name}`;
      const row = page
        .split('\n')
        .find((line) => line.includes(`\`${variable}\``));
      expect(row, variable).toContain(String(value));
    }
  });
});
