// Makes a fresh clone ready: npm packages, then the build. Fast when nothing
// changed. Uses nothing but Node itself, since nothing is installed yet.
//   node scripts/setup.mjs [--quiet]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.argv.includes('--quiet');

function say(text) {
  if (!quiet) console.error(`setup: ${text}`);
}

function fail(text) {
  console.error(`setup: ${text}`);
  process.exit(1);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node 20.19 or newer is needed, this is ${process.version}`);
  }
}

function run(command, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (status !== 0) {
    fail(
      `\`${command} ${args.join(' ')}\` failed\n${stdout ?? ''}${stderr ?? ''}`,
    );
  }
}

/** Installs exactly what the lock file says, once for each lock file. */
function installPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const marker = join(root, '.cache', 'installed-lock');
  const installed = existsSync(marker) ? readFileSync(marker, 'utf8') : '';
  if (installed === wanted && existsSync(join(root, 'node_modules'))) return;
  say('installing npm packages (npm ci)');
  // The CPU libraries are inside the package; its script would fetch CUDA's.
  run('npm', ['ci', '--no-audit', '--no-fund'], {
    ONNXRUNTIME_NODE_INSTALL: 'skip',
  });
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, wanted);
}

function build() {
  say('building (tsc)');
  run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc')]);
  removeOrphans();
}

/** What tsc built from sources that are gone: their tests would still run. */
function removeOrphans() {
  const dist = join(root, 'dist');
  for (const file of readdirSync(dist, { recursive: true })) {
    const [, module] = /^(.+?)\.js(\.map)?$/.exec(file) ?? [];
    if (!module || existsSync(join(root, `${module}.ts`))) continue;
    rmSync(join(dist, file));
  }
}

requireNode();
installPackages();
build();
