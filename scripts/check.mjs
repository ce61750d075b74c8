// `npm run check`: everything that needs no running system, in parallel:
// types, lint, format, the contract, and who imports whom.
import { spawn } from 'node:child_process';

await import('./setup.mjs');

const checks = {
  lint: 'eslint --max-warnings 0 .',
  format: 'prettier --check --log-level warn .',
  'proto lint': 'buf lint proto',
  'proto format': 'buf format --diff --exit-code proto',
  'proto types': 'node scripts/proto.mjs --check',
  'proto breaking': 'node scripts/breaking.mjs',
  architecture: 'vitest run dist/test/architecture.test.js',
};

function start([name, command]) {
  const started = Date.now();
  const path = `node_modules/.bin:${process.env['PATH']}`;
  const child = spawn(command, {
    shell: true,
    env: { ...process.env, PATH: path },
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
      if (code !== 0) console.log(output);
      resolve(code === 0);
    });
  });
}

console.log('ok     types (tsc)');
const passed = await Promise.all(Object.entries(checks).map(start));
process.exit(passed.every(Boolean) ? 0 : 1);
