import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { health } from '../health.js';
import type { Bus } from '#runtime/bus/bus.js';
import { openBus } from '#runtime/bus/index.js';
import { leaderBucket, runsBucket } from '#runtime/bus/subjects.js';
import { NotLeaderError } from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import type { RunningService } from '#runtime/service.js';
import { toConfig } from '../../services/orchestrator/config.js';
import { startOrchestrator } from '../../services/orchestrator/service.js';
import { type HoldingProxy, startHoldingProxy } from '../holding-proxy.js';
import { natsMissing, type NatsServer } from '../nats.js';
import { experimentJson, HandWorker, openNats, result } from './bus-stage.js';

const missing = natsMissing();
const log = createLogger('test', { level: 'silent' });
/** Workers may be silent for as long as a test takes. */
const config = toConfig({ leaseMs: 60_000, leader: { leaseMs: 800 } });
const name = 'rrd.v1.OrchestratorService';

describe.skipIf(missing)(
  `two orchestrators on NATS${missing ? ` (${missing})` : ''}`,
  () => {
    let bus: Bus;
    let server: NatsServer;
    let proxy: HoldingProxy;
    let cut: Bus;
    let first: RunningService;
    let second: RunningService;
    let askFirst: RpcClient<typeof name>;
    let askSecond: RpcClient<typeof name>;
    let closeNats: () => Promise<void>;

    /** The first one leads, and is the one that can be cut off. */
    beforeEach(async () => {
      ({ bus, server, close: closeNats } = await openNats());
      proxy = await startHoldingProxy(server.address);
      cut = await openBus({ kind: 'nats', servers: [proxy.address] });
      first = await startOrchestrator(config, { bus: cut, log });
      second = await startOrchestrator(config, { bus, log });
      askFirst = connect(name, first.address);
      askSecond = connect(name, second.address);
    }, 30_000);

    afterEach(async () => {
      askFirst.close();
      askSecond.close();
      await second.close();
      await first.close();
      await cut.close();
      await proxy[Symbol.asyncDispose]();
      await closeNats();
    }, 30_000);

    async function leader(): Promise<unknown> {
      const [lease] = await (await bus.records(leaderBucket)).list();
      return lease?.value['address'];
    }
    const phaseOf = async (client: typeof askFirst, runId: string) => {
      const { run } = await client.getRun({ runId });
      return run?.phase;
    };
    const eventually = <T>(state: () => Promise<T>) =>
      expect.poll(() => state().catch(() => undefined), { timeout: 20_000 });

    it('answer alike, whoever is asked', async () => {
      expect(await leader()).toBe(first.address);
      const { run } = await askSecond.submitRun({ runId: 'a', experimentJson });
      expect(await askFirst.submitRun({ runId: 'a', experimentJson })).toEqual({
        run,
      });
      const worker = new HandWorker(bus, 'w1');
      await worker.claim();
      const phases: unknown[] = [];
      for await (const { run } of askSecond.watchRun({ runId: 'a' })) {
        phases.push(run?.phase);
        if (run?.phase === 'RUN_PHASE_PREPARING')
          await worker.say({ type: 'succeeded', result });
      }
      expect(phases.at(-1)).toBe('RUN_PHASE_SUCCEEDED');
      expect(await askSecond.listRuns({})).toEqual(await askFirst.listRuns({}));
      // Errors, too, are the leader's.
      await expect(askSecond.getRun({ runId: 'no' })).rejects.toMatchObject({
        reason: 'RUN_NOT_FOUND',
      });
      await expect(
        askSecond.submitRun({ runId: 'b', experimentJson: '{' }),
      ).rejects.toMatchObject({ reason: 'CONFIG_INVALID' });
    });

    it('change at once when the leader leaves', async () => {
      await askFirst.submitRun({ runId: 'a', experimentJson });
      await first.close();
      await eventually(leader).toBe(second.address);
      await eventually(() => phaseOf(askSecond, 'a')).toBe('RUN_PHASE_PENDING');
    });

    it('say that nobody leads, and who is dead', async () => {
      expect(await health(second.address, name)).toBe('SERVING');
      const records = await bus.records(leaderBucket);
      const [lease] = await records.list();
      // Someone who never was there, and will not be for a minute.
      const dead = { ...lease!.value, address: '127.0.0.1:1', leaseMs: 60_000 };
      for (let written = false; !written;) {
        const { revision } = (await records.get('orchestrator'))!;
        const foreign = { ...dead, holder: 'dead', epoch: 9 };
        written = await records.update('orchestrator', foreign, revision).then(
          () => true,
          () => false,
        );
      }
      for (const client of [askFirst, askSecond]) {
        await expect
          .poll(() => client.listRuns({}).catch((error: unknown) => error), {
            timeout: 10_000,
          })
          .toMatchObject({ metadata: { leader: '127.0.0.1:1' } });
        const told = client.listRuns({});
        await expect(told).rejects.toBeInstanceOf(NotLeaderError);
      }
      expect(await health(first.address, '')).toBe('SERVING');
    }, 30_000);

    it('fence off what a leader wrote before its lease ended', async () => {
      await askFirst.submitRun({ runId: 'a', experimentJson });
      const worker = new HandWorker(bus, 'w1');
      await worker.claim();
      worker.hum();
      await eventually(() => phaseOf(askFirst, 'a')).toBe('RUN_PHASE_RUNNING');
      worker.hush();
      proxy.hold();
      const late = askFirst.cancelRun({ runId: 'a' });
      late.catch(() => undefined);
      await eventually(leader).toBe(second.address);
      await eventually(() => phaseOf(askSecond, 'a')).toBe('RUN_PHASE_RUNNING');
      proxy.release();
      await expect(late).rejects.toMatchObject({ reason: 'NOT_LEADER' });
      await eventually(() => phaseOf(askFirst, 'a')).toBe('RUN_PHASE_RUNNING');
      await worker.say({ type: 'succeeded', result });
      await eventually(() => phaseOf(askFirst, 'a')).toBe(
        'RUN_PHASE_SUCCEEDED',
      );
      const stored = await (await bus.records(runsBucket)).get('a');
      expect(stored?.value).toMatchObject({ epoch: 2, cancelRequested: false });
    }, 60_000);

    it('find a run that a leader created when its lease had ended', async () => {
      proxy.hold();
      const late = askFirst.submitRun({ runId: 'late', experimentJson });
      late.catch(() => undefined);
      await eventually(leader).toBe(second.address);
      await expect(askSecond.getRun({ runId: 'late' })).rejects.toMatchObject({
        reason: expect.stringMatching(/NOT_FOUND|NOT_LEADER/) as string,
      });
      proxy.release();
      await expect(late).rejects.toMatchObject({ reason: 'NOT_LEADER' });
      await eventually(() => phaseOf(askSecond, 'late')).toBe(
        'RUN_PHASE_PENDING',
      );
    }, 60_000);
  },
);
