import cliProgress from 'cli-progress';
import { type Run, phaseName } from './orchestrator-client.js';
import { duration, percent } from './text.js';

/** Shows how runs get on: bars on a terminal, plain lines elsewhere. */
export interface ProgressDisplay {
  update(label: string, run: Run): void;
  /** No more of this run; when none is left, ordinary output can follow. */
  done(label: string): void;
}

export function createProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? new Bars(stream) : new Lines(stream);
}

class Bars implements ProgressDisplay {
  readonly #bars = new Map<string, cliProgress.SingleBar>();
  readonly #pace = new Pace();
  readonly #display: cliProgress.MultiBar;

  constructor(stream: NodeJS.WriteStream) {
    this.#display = new cliProgress.MultiBar({
      stream,
      format: '{label} {bar} {value}/{total}  {text}',
      barsize: 24,
      hideCursor: true,
      // Its own way with Ctrl-C keeps the process alive.
      gracefulExit: false,
    });
  }

  update(label: string, run: Run): void {
    if (!run.progress?.totalSteps) return;
    const { step, totalSteps } = run.progress;
    const bar =
      this.#bars.get(label) ??
      this.#display.create(totalSteps, 0, { label, text: '' });
    this.#bars.set(label, bar);
    const text = describe(run, this.#pace.secondsLeft(label, run));
    bar.update(step, { label: label.padEnd(12), text });
  }

  done(label: string): void {
    this.#bars.get(label)?.stop();
    if ([...this.#bars.values()].every((bar) => !bar.isActive)) {
      this.#display.stop();
    }
  }
}

/** At most one line a run in this time, besides changes of phase. */
const linePeriodMs = 5000;

class Lines implements ProgressDisplay {
  readonly #shown = new Map<string, { phase: string; timeMs: number }>();
  readonly #pace = new Pace();

  constructor(readonly stream: NodeJS.WriteStream) {}

  update(label: string, run: Run): void {
    const secondsLeft = this.#pace.secondsLeft(label, run);
    const shown = this.#shown.get(label);
    const timeMs = performance.now();
    const due = timeMs - (shown?.timeMs ?? -Infinity) >= linePeriodMs;
    if (shown?.phase === run.phase && !due) return;
    this.#shown.set(label, { phase: run.phase, timeMs });
    const text = describe(run, secondsLeft);
    this.stream.write(`${label.padEnd(12)} ${phaseName(run)}  ${text}\n`);
  }

  done(label: string): void {
    this.#shown.delete(label);
  }
}

/** Steps per second of each run since it was first seen taking steps. */
class Pace {
  readonly #start = new Map<string, { step: number; timeMs: number }>();

  secondsLeft(label: string, { progress }: Run): number | undefined {
    if (!progress?.step) return undefined;
    const { step, totalSteps } = progress;
    const start = this.#start.get(label);
    if (!start) this.#start.set(label, { step, timeMs: performance.now() });
    if (!start || step <= start.step) return undefined;
    const seconds = (performance.now() - start.timeMs) / 1000;
    return (seconds / (step - start.step)) * (totalSteps - step);
  }
}

function describe({ progress }: Run, secondsLeft: number | undefined): string {
  if (!progress?.step) return '';
  const { step, totalSteps, loss, testAccuracy, imagesPerSecond } = progress;
  const parts = [
    `step ${step}/${totalSteps}`,
    `loss ${loss.toFixed(4)}`,
    `${imagesPerSecond.toFixed(0)} img/s`,
  ];
  if (testAccuracy !== undefined)
    parts.push(`accuracy ${percent(testAccuracy)}`);
  if (secondsLeft) parts.push(`ETA ${duration(secondsLeft)}`);
  return parts.join('  ');
}
