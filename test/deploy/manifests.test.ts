import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#runtime/paths.js';
import {
  readManifests,
  renderKustomization,
  type Manifest,
} from './kustomize.js';
import { nameOf, schemaProblems, unknownFields } from './schemas.js';

const folders = ['base', 'overlays/dev', 'overlays/gpu'];
const render = (folder: string) =>
  renderKustomization(join(packageRoot, 'deploy/k8s', folder));

interface Container {
  name: string;
  args?: string[];
  securityContext?: Record<string, unknown>;
  resources?: Record<'limits' | 'requests', Record<string, string>>;
  [key: string]: unknown;
}
interface PodTemplate {
  spec: { containers: Container[]; securityContext?: Record<string, unknown> };
}

function templates(manifests: Manifest[]): [string, PodTemplate][] {
  return manifests.flatMap((manifest) => {
    const { spec } = manifest as { spec?: { template?: PodTemplate } };
    return spec?.template ? [[nameOf(manifest), spec.template]] : [];
  });
}

function named(manifests: Manifest[], name: string): Manifest {
  const found = manifests.find((manifest) => nameOf(manifest) === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function container(manifests: Manifest[], name: string): Container {
  const all = templates(manifests).flatMap(([, { spec }]) => spec.containers);
  const found = all.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

describe.each(folders)('deploy/k8s/%s', (folder) => {
  it('agrees with the published schemas', () => {
    expect(render(folder).flatMap(schemaProblems)).toEqual([]);
  });

  it('has no field that Kubernetes does not know', () => {
    expect(unknownFields(render(folder))).toEqual([]);
  });

  it('gives every container a memory limit and no privileges', () => {
    for (const [name, { spec }] of templates(render(folder))) {
      expect(spec.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { resources, securityContext } of spec.containers) {
        expect(resources?.limits, name).toHaveProperty('memory');
        expect(securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });
});

describe('what stands beside the base', () => {
  const path = (file: string) => join(packageRoot, 'deploy', file);

  it.each(['otel-collector.yaml', 'k8s/claims-shell.yaml'])(
    '%s agrees with the schemas',
    (file) => {
      const manifests = readManifests(path(file));
      expect(manifests.flatMap(schemaProblems)).toEqual([]);
      expect(unknownFields(manifests)).toEqual([]);
    },
  );
});

describe('the checks themselves', () => {
  const misspelt: [string, string, (base: Manifest[]) => object][] = [
    ['a container', 'imagePullPolicyy', (base) => container(base, 'teacher')],
    [
      'a Service',
      'clusterIp',
      (base) => named(base, 'Service/nats')['spec'] as object,
    ],
    ['an object', 'sepc', (base) => named(base, 'Job/student')],
  ];
  it.each(misspelt)('find a misspelt field of %s: %s', (_, field, part) => {
    const manifests = render('base');
    Object.assign(part(manifests), { [field]: 'value' });
    expect(manifests.flatMap(schemaProblems)).toEqual([]);
    expect(unknownFields(manifests)).toEqual([expect.stringContaining(field)]);
  });

  it('find a value of the wrong type', () => {
    const manifests = render('base').filter(
      ({ kind }) => kind === 'Deployment',
    );
    for (const manifest of manifests) {
      Object.assign(manifest['spec'] as object, { replicas: 'two' });
    }
    const problems = manifests.flatMap(schemaProblems);
    expect(problems).toHaveLength(manifests.length);
    expect(problems.join()).toContain('replicas');
  });
});

describe('the base', () => {
  it('has one workload for each role, plus NATS', () => {
    const roles = templates(render('base')).map(([name]) => name);
    expect(roles.sort()).toEqual([
      'Deployment/orchestrator',
      'Deployment/teacher',
      'Job/student',
      'StatefulSet/memory-bank',
      'StatefulSet/nats',
    ]);
  });

  it('lets students find every replica of the teacher', () => {
    const manifests = render('base');
    expect(named(manifests, 'Service/teacher')['spec']).toMatchObject({
      clusterIP: 'None',
    });
    expect(named(manifests, 'ConfigMap/rrd')['data']).toMatchObject({
      RRD_STUDENT_TEACHER: 'dns:///teacher:50051',
    });
  });

  it('has a second orchestrator, ready while one of them leads', () => {
    const manifests = render('base');
    expect(named(manifests, 'Deployment/orchestrator')['spec']).toMatchObject({
      replicas: 2,
    });
    const { readinessProbe, livenessProbe } = container(
      manifests,
      'orchestrator',
    );
    const service = 'rrd.v1.OrchestratorService';
    expect(readinessProbe).toMatchObject({ grpc: { port: 50051, service } });
    // A standby is alive, whoever leads.
    expect(livenessProbe).toMatchObject({ grpc: { port: 50051 } });
    expect(livenessProbe).not.toHaveProperty('grpc.service');
  });

  it('holds no Secret and no secret in plain', () => {
    const manifests = render('base');
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    expect(JSON.stringify(manifests)).not.toMatch(
      /password|token"?:\s*"|seed/i,
    );
  });
});

describe('the dev overlay', () => {
  it('reserves nothing', () => {
    for (const [name, { spec }] of templates(render('overlays/dev'))) {
      for (const { resources } of spec.containers) {
        // As Kubernetes does it: a limit is the request that is absent.
        const reserved = { ...resources?.limits, ...resources?.requests };
        expect(reserved, name).toEqual({ memory: '0' });
      }
    }
  });
});

describe('the gpu overlay', () => {
  it('asks for one GPU for teacher and student and for nothing else', () => {
    const gpus = templates(render('overlays/gpu'))
      .filter(
        ([, { spec }]) =>
          spec.containers[0]?.resources?.limits?.['nvidia.com/gpu'],
      )
      .map(([name]) => name);
    expect(gpus.sort()).toEqual(['Deployment/teacher', 'Job/student']);
  });

  it('has both compute on the GPU', () => {
    const config = named(render('overlays/gpu'), 'ConfigMap/rrd');
    expect(config['data']).toMatchObject({
      RRD_TEACHER_ENGINE: 'webgpu',
      RRD_STUDENT_ENGINE: 'webgpu',
      NVIDIA_DRIVER_CAPABILITIES: 'all',
    });
  });
});

/** The minor version of the kubectl at hand; undefined without one. */
function kubectlMinor(): number | undefined {
  const { stdout } = spawnSync(
    'kubectl',
    ['version', '--client', '-o', 'json'],
    {
      encoding: 'utf8',
    },
  );
  if (!stdout) return undefined;
  const { clientVersion } = JSON.parse(stdout) as {
    clientVersion: { minor: string };
  };
  return Number.parseInt(clientVersion.minor, 10);
}

// The kustomize inside kubectl before 1.21 knows no folders as resources.
const minor = kubectlMinor();
const tooOld = (folder: string) =>
  minor === undefined || (folder !== 'base' && minor < 21);

describe.each(folders)('kubectl as the oracle: %s', (folder) => {
  const skipped = tooOld(folder) ? 'SKIPPED, no kubectl from 1.21 on: ' : '';
  it.skipIf(tooOld(folder))(`${skipped}kubectl renders the same`, () => {
    const text = execFileSync(
      'kubectl',
      ['kustomize', join(packageRoot, 'deploy/k8s', folder)],
      { encoding: 'utf8' },
    );
    const rendered = parseAllDocuments(text).map(
      (document) => document.toJS() as Manifest,
    );
    const byName = (manifests: Manifest[]) =>
      Object.fromEntries(manifests.map((item) => [nameOf(item), item]));
    expect(byName(render(folder))).toEqual(byName(rendered));
  });
});
