import { metrics, type ObservableCallback } from '@opentelemetry/api';
import type { Logger } from '#runtime/logger.js';
import type { Leadership } from './leadership.js';
import { runPhases, isFinal, type RunRecord } from './run-record.js';
import type { RunStore } from './run-store.js';

export type OrchestratorEvents = ReturnType<typeof createEvents>;

/**
 * Everything that the orchestrator tells its operators, one function each.
 * Details go to the log; metrics carry phases and nothing that grows.
 */
export function createEvents(log: Logger) {
  const meter = metrics.getMeter('rrd.orchestrator');
  const submitted = meter.createCounter('rrd.orchestrator.runs.submitted', {
    description: 'Runs accepted',
  });
  const ended = meter.createCounter('rrd.orchestrator.runs.ended', {
    description: 'Runs that ended, by phase',
  });
  const lost = meter.createCounter('rrd.orchestrator.attempts.lost', {
    description: 'Attempts that ended with a silent worker or a failure',
  });
  const refused = meter.createCounter('rrd.orchestrator.events.refused', {
    description: 'Events of the bus that were not understood',
  });
  const leads = meter.createGauge('rrd.orchestrator.leads', {
    description: '1 where this process owns the runs, 0 where it stands by',
  });
  const runs = meter.createObservableGauge('rrd.orchestrator.runs', {
    description: 'Runs known, by phase',
  });

  return {
    /** Counts the runs of `store` until the function returned is called. */
    observe(store: RunStore): () => void {
      const count: ObservableCallback = (result) => {
        const all = store.list();
        for (const phase of runPhases) {
          const inPhase = all.filter((record) => record.phase === phase);
          result.observe(inPhase.length, { 'rrd.run.phase': phase });
        }
      };
      runs.addCallback(count);
      return () => runs.removeCallback(count);
    },

    /** This process leads now, or another one, or nobody. */
    leadershipChanged(state: Leadership): void {
      leads.record(state.role === 'leader' ? 1 : 0);
      if (state.role === 'leader') {
        log.info({ epoch: state.epoch }, 'leads: it owns the runs now');
      } else {
        const { holder, address, epoch } = state.seen?.record ?? {};
        log.info({ leader: holder, address, epoch }, 'stands by');
      }
    },

    recovered(all: number, live: number): void {
      log.info({ runs: all, live }, 'runs read from the bus');
    },

    submitted({ runId }: RunRecord): void {
      submitted.add(1);
      log.info({ runId }, 'run submitted');
    },

    changed(before: RunRecord, after: RunRecord): void {
      const { runId, phase, attempt, worker, failure } = after;
      if (isFinal(after)) ended.add(1, { 'rrd.run.phase': phase });
      if (after.retries > before.retries) {
        lost.add(1);
        log.warn(
          { runId, attempt, lost: before.worker, failure },
          'the attempt was lost: the run is offered again',
        );
      } else if (phase !== before.phase) {
        log.info(
          { runId, phase, attempt, worker, failure },
          'run changed its phase',
        );
      }
    },

    malformedEvent(runId: string, problem: string): void {
      refused.add(1);
      log.warn({ runId, problem }, 'an event is not understood; ignored');
    },

    malformedRecord(key: string): void {
      log.error({ key }, 'a record is not a run; ignored');
    },

    eventRefused(runId: string, error: unknown): void {
      refused.add(1);
      log.error({ runId, err: error }, 'an event could not be stored; ignored');
    },

    interrupted(doing: string, error: unknown): void {
      log.warn({ doing, err: error }, 'interrupted; trying again');
    },

    offerDelayed(runId: string, error: unknown): void {
      log.warn({ runId, err: error }, 'run not offered; trying again');
    },

    eventDelayed(runId: string, error: unknown): void {
      log.warn({ runId, err: error }, 'an event was not sent; trying again');
    },
  };
}
