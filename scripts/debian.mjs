// Installs Debian packages that tests use, where that is possible: as root, on
// a Debian system, with apt-get. Elsewhere it says what will be skipped.
//   node scripts/debian.mjs NAME...   installs these, or fails
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a missing package costs: the suites that are then skipped, loudly. */
const uses = {
  'nats-server': 'the NATS bus, four processes, fault injection',
  'python3-grpcio': 'the foreign gRPC client',
  'python3-numpy': 'reading our checkpoints from Python',
  'python3-torch': 'PyTorch as the oracle of networks and checkpoints',
  prometheus: 'the scrape of the metrics endpoint',
  chromium: 'the report page in a browser',
  podman: 'the Kubernetes pods',
  buildah: 'the Kubernetes pods',
  runc: 'the Kubernetes pods',
  netavark: 'the Kubernetes pods',
  'aardvark-dns': 'the Kubernetes pods',
  catatonit: 'the Kubernetes pods',
  iptables: 'the Kubernetes pods',
};

function isInstalled(name) {
  const { stdout } = spawnSync(
    'dpkg-query',
    ['--show', '--showformat=${db:Status-Status}', name],
    { encoding: 'utf8' },
  );
  return stdout === 'installed';
}

function apt(...args) {
  return spawnSync('apt-get', ['-q', '-y', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  });
}

/**
 * Installs without starting the daemons that some packages bring; does nothing
 * but as root on Debian. Returns what went wrong, if anything.
 */
export function installDebian(names) {
  if (!existsSync('/etc/debian_version')) return 'not a Debian system';
  if (process.getuid?.() !== 0) return 'not root';
  const policy = '/usr/sbin/policy-rc.d';
  const own = !existsSync(policy);
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('update');
    const result = apt('install', '--no-install-recommends', ...names);
    return result.status === 0 ? undefined : `apt-get failed\n${result.stderr}`;
  } finally {
    if (own) rmSync(policy);
  }
}

export function installDebianPackages() {
  if (!existsSync('/etc/debian_version')) {
    console.error('test: not a Debian system, its packages are not installed');
  } else {
    const missing = Object.keys(uses).filter((name) => !isInstalled(name));
    if (missing.length === 0) return;
    if (process.getuid?.() === 0) {
      console.error(`test: installing Debian packages: ${missing.join(' ')}`);
      const problem = installDebian(missing);
      if (problem) console.error(`test: ${problem}`);
    }
  }
  for (const [name, suites] of Object.entries(uses)) {
    if (!existsSync('/etc/debian_version') || !isInstalled(name)) {
      console.error(
        `test: ${name} is not installed: SKIPPED where it is needed: ${suites}`,
      );
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = installDebian(process.argv.slice(2));
  if (problem) {
    console.error(problem);
    process.exitCode = 1;
  }
}
