import { describe, expect, it } from 'vitest';
import { defaultWorkSettings } from '#runtime/bus/bus.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import {
  BusFullError,
  ConfigInvalidError,
  InvalidRequestError,
  RunAlreadyExistsError,
  RunNotFoundError,
} from '#runtime/errors.js';
import { natsMissing } from '../nats.js';
import {
  experiment,
  experimentJson,
  eachOnStage,
  type HandWorker,
  openInProcess,
  type OpenBus,
  openNats,
  progress,
  result,
  type Stage,
} from './bus-stage.js';

function suite(open: OpenBus) {
  let stage: Stage;
  eachOnStage(open, (entered) => (stage = entered));

  it('brings a run from its submission to its result', async () => {
    const { run } = await stage.submit('a');
    expect(run).toMatchObject({
      runId: 'a',
      phase: 'RUN_PHASE_PENDING',
      revision: 1,
    });
    const seen = stage.until('a', 'SUCCEEDED');
    const worker = stage.worker('w1');
    const item = await worker.claim();
    expect(item.work['experiment']).toMatchObject({
      name: 'tiny',
      training: { epochs: 2, batchSize: 64 },
    });
    await stage.until('a', 'PREPARING');
    await worker.say({ type: 'running' });
    await worker.say({ type: 'progress', progress });
    await stage.until('a', 'RUNNING');
    await worker.say({ type: 'evaluating' });
    await stage.until('a', 'EVALUATING');
    await worker.say({ type: 'succeeded', result });
    const { run: last, phases } = await seen;
    expect(last).toMatchObject({ worker: 'w1', progress, result });
    // Which of them a watcher sees is a matter of speed; their order is not.
    const order = ['PENDING', 'PREPARING', 'RUNNING', 'EVALUATING'];
    expect([...new Set(phases)]).toEqual([
      ...order.filter((phase) => phases.includes(phase)),
      'SUCCEEDED',
    ]);
    const { run: now } = await stage.client.getRun({ runId: 'a' });
    expect(now).toEqual(last);
    expect(now?.revision).toBe(6);
  });

  it('takes the same submission twice, another one never', async () => {
    const first = await stage.submit('a');
    const { training, ...rest } = experiment;
    const reordered = JSON.stringify({ training, ...rest, prefetch: 4 });
    const again = await stage.client.submitRun({
      runId: 'a',
      experimentJson: reordered,
    });
    expect(again).toEqual(first);
    await stage.worker('w1').claim();
    expect(
      await stage.bus.take(runsQueue, AbortSignal.timeout(100)),
    ).toBeUndefined();
    const other = JSON.stringify({ ...experiment, prefetch: 1 });
    await expect(
      stage.client.submitRun({ runId: 'a', experimentJson: other }),
    ).rejects.toBeInstanceOf(RunAlreadyExistsError);
  });

  it('names what is wrong with an experiment', async () => {
    const submit = (json: string, runId = '') =>
      stage.client.submitRun({ runId, experimentJson: json });
    const wrong = { ...experiment, training: { epochs: 0 } };
    const refused = submit(JSON.stringify(wrong));
    await expect(refused).rejects.toBeInstanceOf(ConfigInvalidError);
    await expect(refused).rejects.toMatchObject({
      metadata: { field: 'training.epochs', value: '0' },
    });
    await expect(
      submit(JSON.stringify({ ...experiment, epoch: 3 })),
    ).rejects.toMatchObject({ metadata: { field: 'epoch', value: '3' } });
    for (const json of ['', '{', 'null', `"${'x'.repeat(300_000)}"`]) {
      await expect(submit(json)).rejects.toBeInstanceOf(ConfigInvalidError);
    }
    for (const runId of ['a.b', 'a b', '*', 'x'.repeat(65)]) {
      await expect(submit(experimentJson, runId)).rejects.toBeInstanceOf(
        InvalidRequestError,
      );
    }
    expect((await stage.client.listRuns({})).runs).toEqual([]);
  });

  it('names runs itself, lists the newest first, knows no others', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { run } = await stage.client.submitRun({ experimentJson });
      ids.push(run?.runId ?? '');
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    expect(ids[0]).toMatch(/^tiny-[0-9a-f]{10}$/);
    const { runs } = await stage.client.listRuns({});
    expect(runs.map(({ runId }) => runId)).toEqual(ids.reverse());
    for (const call of [
      stage.client.getRun({ runId: 'no' }),
      stage.client.cancelRun({ runId: 'no' }),
      stage.until('no', ''),
    ]) {
      await expect(call).rejects.toBeInstanceOf(RunNotFoundError);
    }
  });

  it('fails a run that nobody takes', async () => {
    await stage.submit('a');
    const { run } = await stage.until('a', 'FAILED');
    expect(run.failure?.reason).toBe('NO_WORKER');
  });

  it('fails a run whose takers die before they can claim it', async () => {
    await stage.stop();
    await stage.start({ claimTimeoutMs: 60_000 });
    await stage.submit('a');
    const take = (patienceMs: number) =>
      stage.bus.take(runsQueue, AbortSignal.timeout(patienceMs));
    for (let i = 0; i < defaultWorkSettings.maxDeliveries; i++) {
      await (await take(5_000))?.release();
    }
    expect(await take(500)).toBeUndefined();
    const { run } = await stage.until('a', 'FAILED');
    expect(run.failure?.reason).toBe('NO_WORKER');
  });

  it('gives the run of a silent worker to the next', async () => {
    await stage.submit('a');
    const silent = stage.worker('w1');
    await silent.claim();
    const next = stage.worker('w2');
    await next.claim();
    expect(next.attempt).toBe(2);
    expect(await silent.stopRequest()).toEqual({
      attempt: 1,
      epoch: 1,
      reason: 'lease-lost',
    });
    next.hum();
    // It only slept, and does not know yet.
    await silent.say({ type: 'succeeded', result });
    await silent.say({ type: 'running' });
    const { run } = await stage.until('a', 'RUNNING');
    expect(run.worker).toBe('w2');
    await next.say({ type: 'succeeded', result: { ...result, steps: 99 } });
    expect((await stage.until('a', 'SUCCEEDED')).run.result?.steps).toBe(99);
  });

  it('fails a run whose every worker is lost', async () => {
    await stage.submit('a');
    await stage.worker('w1').claim();
    await stage.worker('w2').claim();
    const { run } = await stage.until('a', 'FAILED');
    expect(run.failure).toMatchObject({
      reason: 'WORKER_LOST',
      metadata: { worker: 'w2' },
    });
  });

  it('lets one of two workers with the same attempt have the run', async () => {
    await stage.submit('a');
    const first = stage.worker('w1');
    await first.claim();
    first.hum();
    const second = stage.worker('w2');
    second.runId = 'a';
    second.attempt = 1;
    await second.say({ type: 'claimed' });
    expect(await second.stopRequest()).toEqual({
      attempt: 1,
      worker: 'w2',
      epoch: 1,
      reason: 'lease-lost',
    });
    expect((await stage.until('a', 'RUNNING')).run.worker).toBe('w1');
  });

  it('cancels a run before, while and after it is worked on', async () => {
    await stage.submit('a');
    const { run } = await stage.client.cancelRun({ runId: 'a' });
    expect(run?.phase).toBe('RUN_PHASE_CANCELLED');
    const late = stage.worker('w1');
    await late.claim();
    expect((await late.stopRequest())?.reason).toBe('cancelled');

    await stage.submit('b');
    const worker = stage.worker('w2');
    await worker.claim();
    worker.hum();
    await stage.until('b', 'RUNNING');
    await stage.client.cancelRun({ runId: 'b' });
    expect((await worker.stopRequest())?.reason).toBe('cancelled');
    worker.hush();
    await worker.say({ type: 'cancelled' });
    await stage.until('b', 'CANCELLED');
    const ended = await stage.client.cancelRun({ runId: 'b' });
    expect(ended.run?.phase).toBe('RUN_PHASE_CANCELLED');
  });

  it('pauses a run, and has it go on as the next attempt', async () => {
    await stage.submit('a');
    const worker = stage.worker('w1');
    await worker.claim();
    worker.hum();
    await stage.until('a', 'RUNNING');
    await stage.client.pauseRun({ runId: 'a' });
    expect((await worker.stopRequest())?.reason).toBe('paused');
    worker.hush();
    await worker.say({ type: 'released' });
    await stage.until('a', 'PAUSED');
    const { run } = await stage.client.resumeRun({ runId: 'a' });
    expect(run?.phase).toBe('RUN_PHASE_RESUMING');
    const next = stage.worker('w2');
    await next.claim();
    expect(next.attempt).toBe(2);
    await next.say({ type: 'succeeded', result });
    await stage.until('a', 'SUCCEEDED');
    const late = await stage.client.pauseRun({ runId: 'a' });
    expect(late.run?.phase).toBe('RUN_PHASE_SUCCEEDED');
  });

  it('pauses a run that nobody has, and resumes one that failed', async () => {
    await stage.submit('a');
    const { run } = await stage.client.pauseRun({ runId: 'a' });
    expect(run?.phase).toBe('RUN_PHASE_PAUSED');
    await stage.client.resumeRun({ runId: 'a' });
    // Nobody takes it: it fails, and goes on when somebody does.
    await stage.until('a', 'FAILED');
    await stage.client.resumeRun({ runId: 'a' });
    const worker = stage.worker('w1');
    while (worker.attempt < 3) await worker.claim();
    await stage.until('a', 'PREPARING');
  });

  it('cancels a run whose worker will not listen', async () => {
    await stage.submit('a');
    const stubborn = stage.worker('w1');
    await stubborn.claim();
    stubborn.hum();
    await stage.until('a', 'RUNNING');
    await stage.client.cancelRun({ runId: 'a' });
    await stage.until('a', 'CANCELLED');
  });

  it('forgets the oldest that ended, and no run that goes on', async () => {
    await stage.stop();
    await stage.start({ maxRuns: 2 });
    await stage.submit('a');
    await stage.client.cancelRun({ runId: 'a' });
    await stage.submit('b');
    await stage.submit('c');
    const { runs } = await stage.client.listRuns({});
    expect(runs.map(({ runId }) => runId).sort()).toEqual(['b', 'c']);
    await expect(stage.submit('d')).rejects.toBeInstanceOf(BusFullError);
  });

  const placeOf = async (runId: string) =>
    (await stage.client.getRun({ runId })).run?.place;
  const end = async (worker: HandWorker) => {
    await worker.say({ type: 'succeeded', result });
    await stage.until(worker.runId, 'SUCCEEDED');
  };

  it('offers runs by priority, then in the order of submission', async () => {
    await stage.submit('first', { user: 'ann' });
    await stage.submit('second');
    const { run } = await stage.submit('urgent', { priority: 1 });
    expect(run).toMatchObject({ priority: 1, user: '', place: 1 });
    expect(await placeOf('first')).toBe(2);
    expect(await placeOf('second')).toBe(3);
    // It was on offer already, and is no more.
    const early = stage.worker('w0');
    await early.claim();
    expect(early.runId).toBe('first');
    expect((await early.stopRequest())?.reason).toBe('lease-lost');
    for (const runId of ['urgent', 'first', 'second']) {
      const worker = stage.worker('w1');
      await worker.claim();
      expect(worker.runId).toBe(runId);
      await end(worker);
      const { run } = await stage.client.getRun({ runId });
      expect(run).toMatchObject({ retries: 0, place: 0 });
    }
  });

  it('has no more runs of a user on offer than may run', async () => {
    await stage.stop();
    await stage.start({ maxRunningPerUser: 1, maxRunning: 2, maxQueued: 3 });
    await stage.submit('ann-1', { user: 'ann' });
    await stage.submit('ann-2', { user: 'ann' });
    await stage.submit('bob-1', { user: 'bob' });
    const full = stage.submit('cid-1', { user: 'cid' });
    await expect(full).rejects.toBeInstanceOf(BusFullError);
    const [ann, bob, next] = ['w1', 'w2', 'w3'].map((name) =>
      stage.worker(name),
    );
    for (const worker of [ann!, bob!]) {
      await worker.claim();
      worker.hum();
    }
    expect([ann!.runId, bob!.runId]).toEqual(['ann-1', 'bob-1']);
    await stage.submit('cid-1', { user: 'cid' });
    const none = stage.bus.take(runsQueue, AbortSignal.timeout(300));
    expect(await none).toBeUndefined();
    bob!.hush();
    await end(bob!);
    // Ann has hers already.
    await next!.claim();
    expect(next!.runId).toBe('cid-1');
    await expect(
      stage.submit('x', { user: 'x'.repeat(65) }),
    ).rejects.toMatchObject({ metadata: { field: 'user' } });
  });

  it('offers a run that a worker passes on to others, at no cost', async () => {
    await stage.submit('a');
    const unable = stage.worker('w1');
    const failure = {
      ...{ reason: 'DATASET_NOT_FOUND', message: 'no data set named x' },
      metadata: { dataset: 'x' },
    };
    const item = await stage.bus.take(runsQueue, AbortSignal.timeout(5_000));
    Object.assign(unable, { runId: 'a', attempt: item!.work['attempt'] });
    await unable.say({ type: 'declined', failure });
    await item!.done();
    await expect
      .poll(async () => (await stage.client.getRun({ runId: 'a' })).run)
      .toMatchObject({
        ...{ phase: 'RUN_PHASE_PENDING', attempt: 2, retries: 0 },
        ...{ failure, place: 1 },
      });
    const able = stage.worker('w2');
    await able.claim();
    expect(able.attempt).toBe(2);
    await end(able);
  });

  it('survives what is no event', async () => {
    await stage.submit('a');
    await stage.bus.publish('rrd.v1.run.a.event', { type: 'claimed' });
    await stage.bus.publish('rrd.v1.run.unknown.event', {
      nonsense: [1, null],
    });
    await stage.worker('w1').claim();
    await stage.until('a', 'PREPARING');
  });
}

describe('an orchestrator on the in-process bus', () => suite(openInProcess));

const missing = natsMissing();
const skipped = missing ? ` (${missing})` : '';
describe.skipIf(missing)(`an orchestrator on NATS${skipped}`, () =>
  suite(openNats),
);
