// Installs Debian packages that tests use, where that is possible: as root, on
// a Debian system, with apt-get. Elsewhere it says what will be skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** What a missing package costs: the suites that are then skipped, loudly. */
const uses = {
  'nats-server': 'the NATS bus, four processes, fault injection',
  'python3-grpcio': 'the foreign gRPC client',
  'python3-numpy': 'reading our checkpoints from Python',
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

/** Installs without starting the daemons that some packages bring. */
function install(names) {
  const policy = '/usr/sbin/policy-rc.d';
  const own = !existsSync(policy);
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('update');
    return apt('install', '--no-install-recommends', ...names);
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
      const { status, stderr } = install(missing);
      if (status !== 0) console.error(`test: apt-get failed\n${stderr}`);
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
