import { join } from 'node:path';
import type { Manifest } from './kustomize.js';

/**
 * Turns the pod templates of the base into plain Pods, since `podman kube
 * play` (4.3) ignores Services and refuses StatefulSets and Jobs:
 * - a Pod is named after its workload, which is also its Service's name, and
 *   podman's DNS knows pods by name: the addresses stay as they are, and of
 *   several replicas, which cannot share a name, one is played;
 * - claims and empty directories become folders of the host, since podman
 *   shares an `emptyDir` between pods and ignores `fsGroup`;
 * - ports go, since podman would publish each on the host; so do probes, which
 *   it schedules through systemd only.
 */

export interface PodOptions {
  /** Local image for the name of an image, without its tag. */
  images: Readonly<Record<string, string>>;
  /** Every volume gets a folder below this one. */
  folder: string;
}

export interface Pods {
  /** ConfigMaps and Pods, for `podman kube play`. */
  readonly manifests: Manifest[];
  /** Folders that must be there, writable for the pods' user. */
  readonly folders: string[];
}

interface Volume {
  name: string;
  configMap?: object;
  persistentVolumeClaim?: { claimName: string };
}
interface Container {
  image: string;
  [field: string]: unknown;
}
interface PodSpec {
  containers: Container[];
  volumes?: Volume[];
  [field: string]: unknown;
}
interface Workload extends Manifest {
  spec: {
    template: { metadata: object; spec: PodSpec };
    volumeClaimTemplates?: { metadata: { name: string } }[];
  };
}

const workloads = ['Deployment', 'StatefulSet', 'Job'];

export function toPods(manifests: Manifest[], options: PodOptions): Pods {
  const folders = new Set<string>();
  const pods = manifests
    .filter(({ kind }) => workloads.includes(kind))
    .map((manifest) => toPod(manifest as Workload, options, folders));
  const configMaps = manifests.filter(({ kind }) => kind === 'ConfigMap');
  return { manifests: [...configMaps, ...pods], folders: [...folders] };
}

function toPod(
  { metadata: { name }, spec }: Workload,
  options: PodOptions,
  folders: Set<string>,
): Manifest {
  const { template } = spec;
  const claimed = spec.volumeClaimTemplates ?? [];
  const volumes: Volume[] = [
    ...(template.spec.volumes ?? []),
    ...claimed.map(({ metadata }) => ({ name: metadata.name })),
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name },
    spec: {
      ...template.spec,
      containers: template.spec.containers.map((container) =>
        toContainer(container, options.images),
      ),
      volumes: volumes.map((volume) => {
        if (volume.configMap !== undefined) return volume;
        const path = folderOf(volume, name, options.folder);
        folders.add(path);
        return { name: volume.name, hostPath: { path, type: 'Directory' } };
      }),
    },
  };
}

/** A claim is one folder for all pods; any other volume is its pod's own. */
function folderOf(volume: Volume, pod: string, folder: string): string {
  const claim = volume.persistentVolumeClaim?.claimName;
  return claim === undefined
    ? join(folder, pod, volume.name)
    : join(folder, claim);
}

const clusterOnly = [
  'ports',
  'startupProbe',
  'readinessProbe',
  'livenessProbe',
];

function toContainer(
  container: Container,
  images: PodOptions['images'],
): Container {
  const [name = ''] = container.image.split(':');
  const image = images[name];
  if (image === undefined) throw new Error(`no local image for ${name}`);
  const kept = Object.entries(container).filter(
    ([field]) => !clusterOnly.includes(field),
  );
  return { ...Object.fromEntries(kept), image, imagePullPolicy: 'Never' };
}
