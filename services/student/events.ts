import {
  context,
  metrics,
  type Context,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { RunResult, RunWork } from '#runtime/bus/run-events.js';
import type { Logger } from '#runtime/logger.js';
import { contextOf } from '#runtime/rpc/trace.js';
import type { GroupListener } from './group/chief.js';
import type { ReplicaListener } from './teacher-replica.js';
import type { ResumePoint, ThreadFacts } from './trainer-api.js';

/**
 * Everything that a student tells its operators, one function each. Details
 * go to the log; metrics carry the engine and nothing that grows.
 */
export class StudentEvents {
  readonly #instruments = createInstruments();

  constructor(readonly log: Logger) {}

  claimed({ runId, attempt }: RunWork): void {
    this.log.info({ runId, attempt }, 'run claimed');
  }

  declined(runId: string, lack: Error): void {
    this.log.info({ runId, lack: lack.message }, 'run passed on');
  }

  seatDeclined(runId: string, lack: Error): void {
    this.log.info({ runId, lack: lack.message }, 'seat passed on');
  }

  seatExpired(runId: string): void {
    this.log.info({ runId }, 'the run of a seat is over');
  }

  takingFailed(error: unknown): void {
    this.log.error({ err: error }, 'no run could be taken; trying again');
  }

  malformedWork(problem: string): void {
    this.log.error({ problem }, 'a work item is not a run; dropped');
  }

  prepared(runId: string, facts: ThreadFacts, resume?: ResumePoint): void {
    const { engine, engineVersion, trainSize, testSize } = facts;
    this.log.info(
      { runId, engine, engineVersion, trainSize, testSize },
      'run prepared',
    );
    if (!resume) return;
    const { location, step } = resume;
    this.log.info({ runId, location, step }, 'run goes on from a checkpoint');
    if (resume.engine === engine) return;
    this.log.warn(
      { runId, expected: resume.engine, actual: engine },
      'the checkpoint was made on another engine: the last digits will differ',
    );
  }

  pixelsInstead(dataset: string, reason: string): void {
    this.log.warn(
      { dataset, reason },
      'the teacher cannot rebuild our samples: pixels travel instead',
    );
  }

  /** What happens to the replicas of a run's teacher. */
  teachers(runId: string): ReplicaListener {
    const { log } = this;
    return {
      joined: (teacher) => log.info({ runId, teacher }, 'teacher joined'),
      lost: (teacher, err) => log.warn({ runId, teacher, err }, 'teacher lost'),
      refused: (teacher, err) =>
        log.warn({ runId, teacher, err }, 'teacher refused'),
    };
  }

  /** What happens to the workers that share a run's ranks. */
  group(runId: string): GroupListener {
    const { log } = this;
    return {
      joined: (worker) => log.info({ runId, worker }, 'worker joined'),
      lost: (worker, err) => log.warn({ runId, worker, err }, 'worker lost'),
      dealt: (generation, step, workers) =>
        log.info({ runId, generation, step, workers }, 'ranks dealt'),
    };
  }

  /** This worker helps with the ranks of a run that another one holds. */
  helping(runId: string, chief: string): void {
    this.log.info({ runId, chief }, 'joining a run');
  }

  /** The holder of the run is there, but not for us. */
  chiefUnreached(runId: string, error: unknown): void {
    this.log.warn(
      { runId, err: error },
      "the run's chief cannot be reached; trying again",
    );
  }

  helped(runId: string, error?: unknown): void {
    if (error === undefined) this.log.info({ runId }, 'left a run');
    else this.log.warn({ runId, err: error }, 'left a run');
  }

  reconnecting(version: number, error: unknown): void {
    this.log.warn(
      { version, err: error },
      'bank stream ended; subscribing again',
    );
  }

  stepTaken(
    engine: string,
    times: { waitMs: number; computeMs: number },
    queueLag: number | undefined,
  ): void {
    const { waitMs, computeMs } = times;
    const labels = { 'rrd.engine': engine };
    this.#instruments.step.record((waitMs + computeMs) / 1000, labels);
    this.#instruments.wait.record(waitMs / 1000, labels);
    if (queueLag !== undefined) this.#instruments.queueLag.record(queueLag);
  }

  reportFailed(runId: string, error: unknown): void {
    this.log.warn({ runId, err: error }, 'an event of the run was not stored');
  }

  queueLeft(runId: string, error: unknown): void {
    this.log.warn({ runId, err: error }, 'the queue of the run was not freed');
  }

  /** The run ends for another reason; it goes on from an earlier one. */
  checkpointLost(runId: string, error: unknown): void {
    this.log.warn(
      { runId, err: error },
      'the newest checkpoint was not written',
    );
  }

  /** Hears what a run has opened and could not free. */
  unfreed(runId: string): (error: unknown) => void {
    return (error) =>
      this.log.error({ runId, err: error }, 'a part of the run was not freed');
  }

  succeeded(runId: string, result: RunResult): void {
    this.#instruments.runs.add(1, { 'rrd.run.outcome': 'succeeded' });
    this.log.info({ runId, ...result }, 'run succeeded');
  }

  failed(runId: string, error: unknown): void {
    this.#instruments.runs.add(1, { 'rrd.run.outcome': 'failed' });
    this.log.error({ runId, err: error }, 'run failed');
  }

  stopped(runId: string, reason: string): void {
    this.#instruments.runs.add(1, { 'rrd.run.outcome': reason });
    this.log.info({ runId, reason }, 'run stopped');
  }
}

function createInstruments() {
  const meter = metrics.getMeter('rrd.student');
  return {
    step: meter.createHistogram('rrd.student.step.duration', {
      unit: 's',
      description: 'Duration of training steps, waiting included',
    }),
    wait: meter.createHistogram('rrd.student.step.wait', {
      unit: 's',
      description: 'Time that steps waited for teacher and bank',
    }),
    queueLag: meter.createHistogram('rrd.student.queue.lag', {
      unit: '{step}',
      description: 'Steps whose rows the queue lacked when it was read',
      advice: { explicitBucketBoundaries: [0, 1, 2, 4, 8, 16, 32, 64] },
    }),
    runs: meter.createCounter('rrd.student.runs', {
      description: 'Runs that ended, by outcome',
    }),
  };
}

/**
 * The span of one step, from its first request to its last result: the trace
 * that shows the step in student, teacher and bank.
 */
export class StepTrace {
  readonly context: Context;
  readonly #span: Span;

  constructor(runId: string, step: number) {
    const attributes = { 'rrd.run.id': runId, 'rrd.step': step };
    this.#span = trace
      .getTracer('rrd.student')
      .startSpan('rrd.student.step', { root: true, attributes });
    this.context = trace.setSpan(context.active(), this.#span);
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

/** Links the active span to the commit that it waited for. */
export function linkCommit(traceparent: string): void {
  const commit = trace.getSpanContext(contextOf(traceparent));
  if (commit) trace.getActiveSpan()?.addLink({ context: commit });
}
