import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '#runtime/paths.js';
import { programPath, stageApp, stageBase } from './image.js';
import { renderKustomization, type Manifest } from './kustomize.js';
import { Podman } from './podman.js';
import { toPods } from './pods.js';

const run = promisify(execFile);

export interface PodClusterOptions {
  /** Becomes the claim `models`. */
  readonly modelsDir: string;
  /** Image folders by the name of their data set; become the claim `data`. */
  readonly imageFolders: Readonly<Record<string, string>>;
}

/** The pods of the kustomize base on this machine, each played once. */
export interface PodCluster extends AsyncDisposable {
  /** `host:port` of a pod's port, reachable from this host. */
  addressOf(pod: string, port: number): Promise<string>;
  logs(pod: string): Promise<string>;
  isHealthy(pod: string): Promise<boolean>;
  exitCodeOf(pod: string): Promise<number>;
  /** The claim `runs`. */
  readonly runsDir: string;
}

const localImages = {
  rrd: 'localhost/rrd-test',
  'docker.io/library/nats': 'localhost/rrd-test-base',
};

/** Builds the image, fills the claims and plays the pods. */
export async function playBase(
  options: PodClusterOptions,
): Promise<PodCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'rrd-pods-'));
  // Pods run as another user than the one that made the folder.
  await chmod(folder, 0o755);
  const podman = await Podman.open(join(folder, 'podman'));
  const close = async () => {
    await podman.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await buildImages(podman, folder);
    const volumes = join(folder, 'volumes');
    await fillClaims(volumes, options);
    const base = renderKustomization(join(packageRoot, 'deploy/k8s/base'));
    nameDatasets(base, Object.keys(options.imageFolders));
    const pods = toPods(base, { images: localImages, folder: volumes });
    for (const path of pods.folders) {
      await mkdir(path, { recursive: true });
      await chmod(path, 0o777);
    }
    await podman.play(pods.manifests);
    return {
      addressOf: async (pod, port) => `${await podman.addressOf(pod)}:${port}`,
      logs: (pod) => podman.logs(pod),
      isHealthy: (pod) => podman.isHealthy(pod),
      exitCodeOf: (pod) => podman.exitCodeOf(pod),
      runsDir: join(volumes, 'runs'),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function buildImages(podman: Podman, folder: string): Promise<void> {
  const [base, build] = [join(folder, 'base'), join(folder, 'build')];
  const programs = ['nats-server'].map(programPath);
  stageApp(join(build, 'app'));
  stageBase(base, [process.execPath, ...programs], join(build, 'app'));
  await podman.build(localImages['docker.io/library/nats'], base);
  await podman.build(localImages.rrd, packageRoot, {
    file: join(packageRoot, 'deploy/Dockerfile'),
    stages: {
      base: `docker-image://${localImages['docker.io/library/nats']}`,
      build,
    },
  });
}

/** Readable for the pods' user, whoever made the files. */
async function fillClaims(
  volumes: string,
  { modelsDir, imageFolders }: PodClusterOptions,
): Promise<void> {
  await cp(modelsDir, join(volumes, 'models'), { recursive: true });
  for (const [name, path] of Object.entries(imageFolders)) {
    await cp(path, join(volumes, 'data', name), { recursive: true });
  }
  await run('chmod', ['-R', 'a+rX', volumes]);
}

/** What a user would write into the base's config.yaml. */
function nameDatasets(base: Manifest[], names: readonly string[]): void {
  const config = base.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'rrd',
  );
  for (const name of names) {
    for (const role of ['TEACHER', 'STUDENT']) {
      const variable = `RRD_${role}_DATASETS__${name.toUpperCase()}`;
      Object.assign(config?.['data'] as object, {
        [variable]: `folder:/data/${name}`,
      });
    }
  }
}
