// Compares the contract with the one of the last release: node scripts/breaking.mjs
// Within v1 only additive changes are allowed.
import { execFileSync, spawnSync } from 'node:child_process';

const tags = execFileSync('git', ['tag', '--list', 'v*', '--sort=-v:refname'], {
  encoding: 'utf8',
});
const [last] = tags.split('\n').filter(Boolean);
if (last === undefined) {
  console.log('no release tag v* yet: nothing to compare the contract with');
} else {
  const { status } = spawnSync(
    'buf',
    ['breaking', 'proto', '--against', `.git#tag=${last},subdir=proto`],
    { stdio: 'inherit' },
  );
  process.exit(status ?? 1);
}
