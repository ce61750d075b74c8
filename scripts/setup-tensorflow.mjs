// Gets the `tensorflow` engine: tfjs-node built from its published sources, with
// our own operations (runtime/compute/tensorflow/native), against the
// libtensorflow inside TensorFlow's Python wheel.
//   npm run setup:tensorflow            for CPUs (Linux on x64)
//   npm run setup:tensorflow -- --cuda  for NVIDIA GPUs
// Everything lands in .cache/tensorflow/<build>; a build that was cut off goes
// on from its last whole step, and appears under its name only when it loads.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { installDebian } from './debian.mjs';
import {
  buildFolder,
  digestOfOperations,
  nativeFolder,
  operationsDigest,
} from '../dist/runtime/compute/tensorflow/location.js';
import { tensorflowProvider } from '../dist/runtime/compute/tensorflow/index.js';

const variant = process.argv.includes('--cuda') ? 'cuda' : 'cpu';
const target = buildFolder(variant);
const stage = `${target}.stage`;
const inStage = (...parts) => join(stage, ...parts);

/** npm packages with the SHA-256 of their archives. */
const packages = {
  'tfjs-node': {
    spec: '@tensorflow/tfjs-node@4.22.0',
    sha256: 'd38a448a705efc6e655a080f896b3af646ae39dffbfe9c90b06cb9fc3a2b9358',
  },
  // Node-API is the same in every Node, so these serve any version.
  'node-api-headers': {
    spec: 'node-api-headers@1.9.0',
    sha256: '6cbfac49542194ae2c8f1dee5fa2dc00d66bec9cbf3b59e3a4e5f16d14eb0d19',
  },
  // The one dependency of tfjs-node, besides TensorFlow.js, that it loads.
  'node_modules/google-protobuf': {
    spec: 'google-protobuf@3.21.4',
    sha256: '38299bb1802ce06900ea2e43650aded8393cd6a00012ed97ffc716eeab1e1091',
  },
};

/** What pip downloads; `freeBytes` is what the disk must hold in between. */
const wheels = {
  cpu: {
    requirement:
      'tensorflow-cpu==2.21.0 --hash=sha256:2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    options: ['--no-deps', '--require-hashes'],
    size: '274 MB',
    freeBytes: 1.6e9,
  },
  // With NVIDIA's libraries, whose versions TensorFlow names. pip checks them
  // against the digests of its index; we have none of our own yet.
  cuda: {
    requirement: 'tensorflow[and-cuda]==2.21.0',
    options: [],
    size: 'about 3 GB',
    freeBytes: 12e9,
  },
};

/** The parts of wheels that are used: libraries and headers. */
const wanted = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/',
  'nvidia/',
];

const extract = `
import sys, zipfile
wheel, target, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    names = [n for n in archive.namelist() if n.startswith(tuple(wanted))]
    archive.extractall(target, names)
`;

function say(text) {
  console.error(`setup:tensorflow: ${text}`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

function tryRun(command, args, options = {}) {
  return spawnSync(command, args, { encoding: 'utf8', ...options });
}

function run(command, args, options) {
  const result = tryRun(command, args, options);
  if (result.status === 0) return result.stdout;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.slice(-2000);
  const problem = result.error?.message ?? output;
  fail(
    `\`${command} ${args[0]} ...\` failed: ${problem}\n` +
      'Run this command again to go on from here.',
  );
}

/** Makes `path` by `make(partial)`, once: a step that was cut off starts over. */
function step(path, make) {
  if (existsSync(path)) return;
  const partial = `${path}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  make(partial);
  renameSync(partial, path);
}

/** A python3 with pip: the first in PATH may be without. */
function findPython() {
  return ['python3', '/usr/bin/python3'].find(
    (python) => tryRun(python, ['-m', 'pip', '--version']).status === 0,
  );
}

const hasCompiler = () => tryRun('g++', ['--version']).status === 0;

/** What this build needs; on Debian, root gets what is missing. */
function requireTools() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail(
      `no libtensorflow ${process.platform} on ${process.arch}; the onnx engine runs there`,
    );
  }
  const missing = [
    ...(hasCompiler() ? [] : ['g++']),
    ...(findPython() ? [] : ['python3', 'python3-pip']),
  ];
  if (missing.length > 0) {
    say(`installing Debian packages: ${missing.join(' ')}`);
    installDebian(missing);
  }
  if (hasCompiler() && findPython()) return findPython();
  fail(
    `needed: g++, and python3 with pip (for the download only). On Debian, as root: apt-get install ${missing.join(' ')}`,
  );
}

function requireSpace() {
  const { bavail, bsize } = statfsSync(stage);
  const { freeBytes } = wheels[variant];
  const giga = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
  if (bavail * bsize >= freeBytes) return;
  fail(`${giga(bavail * bsize)} free in ${stage}, ${giga(freeBytes)} needed`);
}

/** An npm package as a folder, without its dependencies and scripts. */
function fetchPackage(folder, { spec, sha256 }) {
  mkdirSync(folder, { recursive: true });
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', spec, '--json', `--pack-destination=${folder}`]),
  );
  const archive = join(folder, filename.replace('@', '').replace('/', '-'));
  const actual = createHash('sha256')
    .update(readFileSync(archive))
    .digest('hex');
  if (actual !== sha256) fail(`${spec}: SHA-256 is ${actual}, not ${sha256}`);
  run('tar', ['xzf', archive, '-C', folder, '--strip-components=1']);
  rmSync(archive);
}

function fetchWheels(python, folder) {
  const { requirement, options, size } = wheels[variant];
  mkdirSync(folder, { recursive: true });
  const list = join(folder, 'requirements.txt');
  writeFileSync(list, requirement);
  say(`downloading ${requirement.split(' ')[0]} (${size})`);
  // Only libraries are used: the wheel need not be for this Python.
  const any = ['--only-binary=:all:', '--python-version=3.11'];
  const to = ['--no-cache-dir', '--quiet', '-d', folder, '-r', list];
  run(python, ['-m', 'pip', 'download', ...any, ...options, ...to]);
}

function extractWheels(python, from, folder) {
  say('extracting');
  for (const wheel of readdirSync(from).filter((n) => n.endsWith('.whl'))) {
    run(python, ['-c', extract, join(from, wheel), folder, ...wanted]);
  }
}

/**
 * tfjs-node's addon, straight from its two sources, with our operations. One line
 * of theirs differs: a cache of names is shared by all threads without a lock;
 * each gets its own.
 */
function compile(addon) {
  say('compiling');
  const sources = inStage('tfjs-node', 'binding');
  const file = join(sources, 'tfjs_backend.cc');
  const shared = 'static std::set<std::string> ATTR_NAME_SET';
  const own = shared.replace('static', 'static thread_local');
  writeFileSync(file, readFileSync(file, 'utf8').replace(shared, own));
  const libraries = inStage('site', 'tensorflow');
  run('g++', [
    ...['-std=c++17', '-shared', '-fPIC', '-w', '-DNAPI_VERSION=8'],
    // Loops become vectors, and give the same bits on every processor.
    ...['-O3', '-ffp-contract=off', '-fno-trapping-math', '-fno-math-errno'],
    `-I${inStage('node-api-headers', 'include')}`,
    `-I${join(libraries, 'include')}`,
    `-I${inStage('tfjs-node')}`,
    ...[file, join(sources, 'tfjs_binding.cc'), join(nativeFolder, 'ops.cc')],
    ...['-o', addon, `-L${libraries}`, '-l:libtensorflow_cc.so.2'],
    '-l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN/../site/tensorflow',
    // What we compile of TensorFlow's headers stays ours.
    `-Wl,--version-script=${join(nativeFolder, 'exports.map')}`,
  ]);
}

/** Loads the addon in a process of its own. */
function checkAddon(addon) {
  const print = `console.log(require(${JSON.stringify(addon)}).TF_Version)`;
  const version = run(process.execPath, ['-e', print]).trim();
  if (version !== '2.21.0') fail(`it loads as TensorFlow ${version}`);
}

function build() {
  mkdirSync(stage, { recursive: true });
  const python = requireTools();
  const [site, addon] = [inStage('site'), inStage('tfjs-node', 'addon.node')];
  if (!existsSync(site)) requireSpace();
  for (const [folder, archive] of Object.entries(packages)) {
    step(inStage(folder), (partial) => fetchPackage(partial, archive));
  }
  step(site, (partial) => {
    const archives = inStage('wheels');
    step(archives, (downloads) => fetchWheels(python, downloads));
    extractWheels(python, archives, partial);
  });
  rmSync(inStage('wheels'), { recursive: true, force: true });
  step(addon, compile);
  checkAddon(addon);
  rmSync(inStage('node-api-headers'), { recursive: true });
  rmSync(join(site, 'tensorflow', 'include'), { recursive: true });
  renameSync(stage, target);
  removeOlder();
}

/** Earlier builds of this variant, which hold 0.8 GB each. */
function removeOlder() {
  const folder = dirname(target);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(`${variant}-`) && path !== target)
      rmSync(path, { recursive: true });
  }
}

const started = Date.now();
if (digestOfOperations() !== operationsDigest) {
  fail(
    `native/ has changed: operationsDigest in location.ts should be '${digestOfOperations()}'`,
  );
}
if (variant === 'cuda' || (await tensorflowProvider.missing())) {
  if (!existsSync(target)) build();
}
const engine = await tensorflowProvider.create();
const seconds = Math.round((Date.now() - started) / 1000);
say(`${engine.version} (${seconds} s)`);
await engine.dispose();
