import type { Engine } from '#runtime/compute/engine.js';
import { createEngine, engineProviders } from '#runtime/compute/index.js';
import type { GoldenCase } from './case.js';
import { Checks } from './checks.js';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Runs the cases on every engine that this machine has and prints a line for
 * each case and engine.
 */
export async function runGolden(
  cases: readonly GoldenCase[],
  print: (line: string) => void,
): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, skip } of cases) {
    if (skip === undefined) continue;
    tally.skipped++;
    print(`skipped  ${name}: ${skip}`);
  }
  for (const provider of engineProviders) {
    const problem = await provider.missing();
    if (problem !== undefined) {
      print(`engine ${provider.name} is not here: ${problem}`);
      continue;
    }
    const engine = await createEngine(provider.name);
    print(`engine ${engine.name}: ${engine.version}`);
    for (const golden of cases) await runCase(golden, engine, tally, print);
    await engine.dispose();
  }
  return tally;
}

async function runCase(
  golden: GoldenCase,
  engine: Engine,
  tally: Tally,
  print: (line: string) => void,
): Promise<void> {
  if (!golden.run || (golden.heavy && engine.name === 'cpu')) return;
  const failures = await failuresOf(golden, engine, (checks, ms) => {
    const share = checks.worst.toPrecision(2);
    print(
      `passed   ${golden.name} [${engine.name}]: ${checks.count} checks, worst error ${share} of its tolerance, ${ms.toFixed(0)} ms`,
    );
  });
  if (failures.length === 0) {
    tally.passed++;
    return;
  }
  tally.failed++;
  print(`FAILED   ${golden.name} [${engine.name}]`);
  for (const failure of failures.slice(0, 20)) print(`         ${failure}`);
}

/** Nothing if the case passes, after telling how well. */
export async function failuresOf(
  golden: GoldenCase,
  engine: Engine,
  onPass: (checks: Checks, ms: number) => void = () => {},
): Promise<string[]> {
  const checks = new Checks();
  const start = performance.now();
  try {
    await golden.run?.(engine, checks);
  } catch (error) {
    return [...checks.failures, String(error)];
  }
  if (checks.count === 0) return ['nothing was compared'];
  if (checks.failures.length === 0) onPass(checks, performance.now() - start);
  return checks.failures;
}
