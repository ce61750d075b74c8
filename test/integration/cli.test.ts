import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import { packageRoot } from '#runtime/paths.js';
import { stringify } from 'yaml';
import { startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const timeoutMs = 120_000;

/** The command as it was typed, and what it did so far. */
interface Command {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
}

let world: World;
let cluster: LocalCluster;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  world = await makeWorld();
  cluster = await startCluster(world);
}, timeoutMs);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await cluster[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function rrd(...args: readonly string[]): Command {
  const child = spawn(
    process.execPath,
    [join(packageRoot, 'bin/rrd'), ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    },
  );
  children.add(child);
  child.once('close', () => children.delete(child));
  const command: Command = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (command.stdout += String(data)));
  child.stderr.on('data', (data) => (command.stderr += String(data)));
  return command;
}

async function exitCode({ child }: Command): Promise<number | null> {
  if (children.has(child)) await once(child, 'close');
  return child.exitCode;
}

/** What a command that succeeds prints, with nothing beside the JSON. */
async function jsonOf<T>(...args: readonly string[]): Promise<T> {
  const command = rrd(...args, '--json');
  const code = await exitCode(command);
  expect({ code, stderr: command.stderr }).toMatchObject({ code: 0 });
  return JSON.parse(command.stdout) as T;
}

async function write(name: string, text: string): Promise<string> {
  const path = join(dirname(world.runsDir), name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

const yamlOf = (name: string, experiment: Experiment) =>
  write(name, stringify(JSON.parse(JSON.stringify(experiment))));

/** Where a command finds this test's world. */
function places(): string[] {
  const { datasets, modelsDir, runsDir } = world;
  const sets = Object.entries(datasets).map(
    ([name, definition]) => `--data=${name}=${definition}`,
  );
  return [...sets, `--models=${modelsDir}`, `--runs=${runsDir}`];
}

const engine = `--engine=${testEngine}`;

interface RunJson {
  readonly phase: string;
  readonly runId: string;
  readonly result: { readonly checkpoint: string; readonly steps: number };
}

describe('rrd in one process', { timeout: timeoutMs }, () => {
  it('trains a teacher, judges it, and distils it', async () => {
    const alone = tinyExperiment({
      teacher: undefined,
      loss: { crossEntropy: 1 },
      training: { epochs: 1 },
    });
    const teacherYaml = await yamlOf('teacher.yaml', alone);
    const train = ['train-teacher', teacherYaml, '--model=own', engine];
    const trained = await jsonOf<{ model: string }>(...train, ...places());
    expect(trained.model).toBe(join(world.modelsDir, 'own'));

    const again = rrd(...train, ...places());
    expect(await exitCode(again)).toBe(1);
    expect(again.stderr).toMatch(
      /^rrd: model is own, .*\[INVALID_REQUEST\]\n$/,
    );

    const [data = ''] = places();
    const judged = ['eval', trained.model, data, engine];
    const measured = await jsonOf<{ accuracy: number }>(...judged);
    expect(measured).toMatchObject({ dataset: 'tiny', total: 12 });
    expect(measured.accuracy).toBeGreaterThanOrEqual(0);
    const other = rrd(...judged, '--dataset=procedural');
    expect(await exitCode(other)).toBe(1);
    expect(other.stderr).toContain('[INVALID_REQUEST]');

    const distil = tinyExperiment({ teacher: { model: 'own' } });
    const yaml = await yamlOf('student.yaml', distil);
    const run = await jsonOf<RunJson>(
      ...['run', yaml, '--epochs=1', engine, '--run-id=cli'],
      ...places(),
    );
    expect(run).toMatchObject({
      phase: 'RUN_PHASE_SUCCEEDED',
      runId: 'cli',
      result: { steps: 6 },
    });
    const student = ['eval', run.result.checkpoint, data, engine];
    expect(await jsonOf(...student)).toMatchObject({ network: 'resnet8' });
  });

  it('cancels its run on Ctrl-C and leaves within seconds', async () => {
    const endless = tinyExperiment({ training: { epochs: 10_000 } });
    const yaml = await yamlOf('endless.yaml', endless);
    const command = rrd('run', yaml, '--json', engine, ...places());
    await expect
      .poll(() => command.stderr, { timeout: 60_000 })
      .toContain('running');
    const interruptedMs = performance.now();
    command.child.kill('SIGINT');
    expect(await exitCode(command)).toBe(1);
    expect(performance.now() - interruptedMs).toBeLessThan(15_000);
    expect(command.stdout).toBe('');
    expect(command.stderr.trimEnd()).toMatch(
      /rrd: run tiny-\w+ was cancelled \[RUN_CANCELLED\]$/,
    );
  });

  it('tells what is installed', async () => {
    const findings = await jsonOf<{ name: string }[]>('doctor');
    const names = findings.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['node', 'engine wasm']));
  });
});

describe('rrd and a running orchestrator', { timeout: timeoutMs }, () => {
  it('runs, lists, watches, cancels; Ctrl-C cancels too', async () => {
    const at = `--orchestrator=${cluster.orchestratorAddress}`;
    const endless = tinyExperiment({ training: { epochs: 10_000 } });
    const yaml = await yamlOf('remote.yaml', endless);
    const first = rrd('run', yaml, '--run-id=first', at);
    await expect
      .poll(() => first.stderr, { timeout: 60_000 })
      .toContain('running');
    const watch = rrd('watch', 'first', '--json', at);
    await expect
      .poll(() => watch.stdout, { timeout: 60_000 })
      .toContain('RUN_PHASE_RUNNING');
    expect(await jsonOf('list', at)).toMatchObject([
      { runId: 'first', phase: 'RUN_PHASE_RUNNING' },
    ]);
    const cancelled = await jsonOf<RunJson>('cancel', 'first', at);
    expect(cancelled.runId).toBe('first');
    expect(await exitCode(first)).toBe(1);
    expect(first.stderr).toContain('[RUN_CANCELLED]');
    expect(await exitCode(watch)).toBe(1);
    const records = watch.stdout.trimEnd().split('\n');
    expect(JSON.parse(records.at(-1) ?? '')).toMatchObject({
      phase: 'RUN_PHASE_CANCELLED',
    });

    const second = rrd('run', yaml, '--run-id=second', at);
    await expect
      .poll(() => second.stderr, { timeout: 60_000 })
      .toContain('running');
    second.child.kill('SIGINT');
    expect(await exitCode(second)).toBe(1);
    const runs = await jsonOf<RunJson[]>('list', at);
    expect(runs.map(({ runId, phase }) => [runId, phase])).toEqual([
      ['second', 'RUN_PHASE_CANCELLED'],
      ['first', 'RUN_PHASE_CANCELLED'],
    ]);
  });

  it('leaves a watched run alone on Ctrl-C', async () => {
    const at = `--orchestrator=${cluster.orchestratorAddress}`;
    const endless = tinyExperiment({ training: { epochs: 10_000 } });
    const yaml = await yamlOf('watched.yaml', endless);
    const run = rrd('run', yaml, '--run-id=watched', at);
    await expect
      .poll(() => run.stderr, { timeout: 60_000 })
      .toContain('running');
    const watch = rrd('watch', 'watched', at);
    await expect
      .poll(() => watch.stderr, { timeout: 60_000 })
      .toContain('running');
    watch.child.kill('SIGINT');
    expect(await exitCode(watch)).toBe(1);
    expect(watch.stderr).toMatch(/rrd: watched goes on\n$/);
    expect(await jsonOf('list', at)).toContainEqual(
      expect.objectContaining({ runId: 'watched', phase: 'RUN_PHASE_RUNNING' }),
    );
    run.child.kill('SIGINT');
    expect(await exitCode(run)).toBe(1);
  });

  it('says in one line that nobody is there', async () => {
    const command = rrd('list', '--orchestrator=127.0.0.1:1');
    expect(await exitCode(command)).toBe(1);
    expect(command.stderr).toMatch(/^rrd: .*\[SERVICE_UNAVAILABLE\]\n$/);
  });
});

const fine = `name: x
dataset: procedural
student: { network: resnet8 }
loss: { crossEntropy: 1 }
training:
  epochs: 1
`;

describe('a YAML file with a mistake', { timeout: timeoutMs }, () => {
  it.each([
    ['a text', fine.replace(': 1 }', ': much }'), ':4: loss.crossEntropy'],
    ['an unknown key', `${fine}\nextra:\n\n  foo: 1\n`, ':8: extra'],
    [
      'an unknown network',
      fine.replace('resnet8', 'resnet9'),
      ':3: student.network',
    ],
    ['a missing field', fine.replace('name: x\n', ''), ':1: name'],
    ['no value of its kind', 'training: 3\n', ':1: name'],
    ['half a list', 'name: [x\n  foo: 1\n', ':1: experiment'],
    [
      'an alias of nothing',
      fine.replace('name: x', 'name: *x'),
      ': experiment',
    ],
    ['nothing in it', '', ':1: configuration'],
  ])('(%s) is told in one line', async (kind, text, where) => {
    const path = await write(`${kind.replaceAll(' ', '-')}.yaml`, text);
    const command = rrd('run', path, '--epochs=2', '--json');
    expect(await exitCode(command)).toBe(1);
    expect(command.stdout).toBe('');
    expect(command.stderr.startsWith(`rrd: ${path}${where} is `)).toBe(true);
    expect(command.stderr).toMatch(/^[^\n]+\[CONFIG_INVALID\]\n$/);
  });
});
