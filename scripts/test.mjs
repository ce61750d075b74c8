// `npm test`: set-up, then every test. Arguments go to vitest, e.g.
//   npm test -- dist/distill
import { spawnSync } from 'node:child_process';
import { installDebianPackages } from './debian.mjs';

await import('./setup.mjs');
installDebianPackages();
setUpTensorflow();

/** Best effort: about a minute the first time; without it, three engines run. */
function setUpTensorflow() {
  const { status } = spawnSync(
    process.execPath,
    ['scripts/setup-tensorflow.mjs'],
    { stdio: 'inherit', timeout: 300_000 },
  );
  if (status === 0) return;
  console.error('test: no tensorflow engine, for the reason above:');
  console.error('test: SKIPPED: its contract, golden and memory suites');
}

const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
