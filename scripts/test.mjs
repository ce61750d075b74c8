// `npm test`: set-up, then every test. Arguments go to vitest, e.g.
//   npm test -- dist/distill
import { spawnSync } from 'node:child_process';
import { installDebianPackages } from './debian.mjs';

await import('./setup.mjs');
installDebianPackages();
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
