import { execFile, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { Manifest } from './kustomize.js';

const run = promisify(execFile);
const mebibyte = 2 ** 20;

/** Why pods cannot be played here; undefined if they can. */
export function whyNoPodman(): string | undefined {
  const programs = ['podman', 'buildah', 'runc', 'iptables', 'nats-server'];
  const missing = programs.filter(
    (name) => spawnSync(name, ['--version']).error !== undefined,
  );
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

/**
 * A podman with images, networks and state of its own below `folder`, so that
 * nothing is left behind and nothing that was there is touched. The settings
 * also let it run without systemd, in a container or a small VM.
 */
export class Podman {
  private constructor(
    private readonly folder: string,
    private readonly network: string,
  ) {}

  static async open(folder: string): Promise<Podman> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'containers.conf'), containersConf(folder));
    writeFileSync(join(folder, 'storage.conf'), storageConf(folder));
    const [high, low] = [randomInt(100, 250), randomInt(256)];
    const network = `rrd-${high}-${low}`;
    const podman = new Podman(folder, network);
    const subnet = `10.${high}.${low}.0/24`;
    await podman.podman('network', 'create', '--subnet', subnet, network);
    podman.nameBridge();
    return podman;
  }

  /**
   * Builds `context` by its Dockerfile, or by another `file`, with what stands
   * in for its `stages`: a folder, or `docker-image://` and an image.
   */
  async build(
    tag: string,
    context: string,
    options: { file?: string; stages?: Readonly<Record<string, string>> } = {},
  ): Promise<void> {
    const { file = join(context, 'Dockerfile'), stages = {} } = options;
    const given = Object.entries(stages).flatMap(([stage, instead]) => [
      ...['--build-context', `${stage}=${instead}`],
    ]);
    // The OCI format has no HEALTHCHECK.
    await this.exec('buildah', [
      ...['bud', '--format', 'docker', '--quiet', '--pull-never'],
      ...['--tag', tag, '--file', file, ...given, context],
    ]);
  }

  async play(manifests: readonly Manifest[]): Promise<void> {
    const text = manifests.map((manifest) => stringify(manifest)).join('---\n');
    writeFileSync(this.pods, text);
    await this.podman('kube', 'play', '--network', this.network, this.pods);
  }

  /** Everything that the containers of `pod` have written. */
  async logs(pod: string): Promise<string> {
    return this.podman('logs', `${pod}-${pod}`);
  }

  /**
   * Runs the image's health check in the container of `pod`; `kube play` does
   * not take it over from the image.
   */
  async isHealthy(pod: string): Promise<boolean> {
    try {
      await this.podman(
        ...['exec', `${pod}-${pod}`, 'node', 'deploy/healthcheck.mjs'],
      );
      return true;
    } catch {
      return false;
    }
  }

  /** The exit code of the container of `pod`, once it has ended. */
  async exitCodeOf(pod: string): Promise<number> {
    return Number(await this.podman('wait', `${pod}-${pod}`));
  }

  /** The address of `pod` on the network, reachable from this host. */
  async addressOf(pod: string): Promise<string> {
    const infra = await this.podman(
      ...['pod', 'inspect', '--format', '{{.InfraContainerID}}', pod],
    );
    return this.podman(
      'inspect',
      '--format',
      `{{(index .NetworkSettings.Networks "${this.network}").IPAddress}}`,
      infra,
    );
  }

  /** Stops the pods and removes every trace of them and of this podman. */
  async close(): Promise<void> {
    await this.podman('kube', 'play', '--down', this.pods).catch(() => '');
    await this.podman('network', 'rm', '--force', this.network);
    for (const mount of mountsBelow(this.folder)) {
      spawnSync('umount', ['--lazy', mount]);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Two podmans with folders of their own do not know of each other and would
   * give their networks the same subnet and the same bridge, podman1.
   */
  private nameBridge(): void {
    const path = join(this.folder, 'networks', `${this.network}.json`);
    const settings = JSON.parse(readFileSync(path, 'utf8')) as object;
    const named = { ...settings, network_interface: this.network };
    writeFileSync(path, JSON.stringify(named));
  }

  private get pods(): string {
    return join(this.folder, 'pods.yaml');
  }

  private podman(...args: string[]): Promise<string> {
    return this.exec('podman', args);
  }

  private async exec(program: string, args: string[]): Promise<string> {
    const { stdout, stderr } = await run(program, args, {
      timeout: 120_000,
      maxBuffer: 16 * mebibyte,
      env: {
        ...process.env,
        CONTAINERS_CONF: join(this.folder, 'containers.conf'),
        CONTAINERS_STORAGE_CONF: join(this.folder, 'storage.conf'),
      },
    });
    return args[0] === 'logs' ? stdout + stderr : stdout.trim();
  }
}

/** Without systemd, without CAP_SYS_RESOURCE, with any kind of cgroups. */
function containersConf(folder: string): string {
  return `[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "${folder}/tmp"
[network]
network_config_dir = "${folder}/networks"
`;
}

function storageConf(folder: string): string {
  return `[storage]
driver = "overlay"
graphroot = "${folder}/storage"
runroot = "${folder}/run"
`;
}

/** Deepest first. */
function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
}
