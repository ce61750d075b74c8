import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { packageRoot } from '#runtime/paths.js';
import { casesUnder } from './cases.js';
import { runGolden } from './run.js';

const beside = resolve(packageRoot, '../shared/golden');
const own = resolve(packageRoot, 'test/golden/cases');
const folder =
  process.env['RRD_GOLDEN_DIR'] ?? (existsSync(beside) ? beside : own);

const print = (line: string) => console.log(line);
print(`golden cases of ${folder}`);
const { passed, failed, skipped } = await runGolden(casesUnder(folder), print);
print(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
