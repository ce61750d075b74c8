import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { all, type Process, Signal, Simulation } from './kernel.js';
import { Server, Station } from './stations.js';

/** When each of the jobs ends, in ms. */
function endsOf(
  capacity: number,
  jobs: readonly { atMs?: number; work: number; width?: number }[],
) {
  const simulation = new Simulation();
  const station = new Station(simulation, capacity);
  const ends = jobs.map(() => NaN);
  jobs.forEach(({ atMs = 0, work, width = 1 }, i) => {
    function* job(): Process {
      yield simulation.delay(atMs);
      yield station.use(work, width);
      ends[i] = simulation.nowMs;
    }
    simulation.spawn(job());
  });
  simulation.run();
  return { ends, workDone: station.workDone };
}

describe('a station', () => {
  it('gives everybody what they can use while there is enough', () => {
    expect(endsOf(3, [{ work: 10 }, { work: 20, width: 2 }]).ends).toEqual([
      10, 10,
    ]);
  });

  it('is shared evenly where there is not', () => {
    expect(endsOf(1, [{ work: 10 }, { work: 10 }]).ends).toEqual([20, 20]);
    // 10 ms alone, then half each until the second is done.
    const late = endsOf(1, [{ work: 20 }, { atMs: 10, work: 5 }]);
    expect(late.ends).toEqual([25, 20]);
  });

  it('gives what a narrow job leaves to wider ones', () => {
    const { ends } = endsOf(4, [{ work: 1 }, { work: 12, width: 4 }]);
    expect(ends).toEqual([1, 3.25]);
  });

  it('does all work that it is given, and no faster than it can', () => {
    const job = fc.record({
      atMs: fc.integer({ min: 0, max: 50 }),
      work: fc.integer({ min: 1, max: 100 }),
      width: fc.integer({ min: 1, max: 4 }),
    });
    const jobs = fc.array(job, { minLength: 1, maxLength: 8 });
    const capacity = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(capacity, jobs, (capacity, jobs) => {
        const { ends, workDone } = endsOf(capacity, jobs);
        const total = jobs.reduce((sum, { work }) => sum + work, 0);
        expect(workDone).toBeCloseTo(total, 4);
        expect(Math.max(...ends)).toBeGreaterThanOrEqual(
          total / capacity - 1e-4,
        );
        jobs.forEach(({ atMs, work, width }, i) => {
          const fastest = atMs + work / Math.min(width, capacity);
          expect(ends[i]).toBeGreaterThanOrEqual(fastest - 1e-4);
        });
      }),
    );
  });
});

describe('a server', () => {
  it('takes one after another, in the order in which they come', () => {
    const simulation = new Simulation();
    const station = new Station(simulation, 2);
    const server = new Server(simulation, (work) => station.use(work, 1));
    const ends: number[] = [];
    for (const work of [10, 1, 5]) {
      server.use(work)(() => ends.push(simulation.nowMs));
    }
    simulation.run();
    expect(ends).toEqual([10, 11, 16]);
    expect(server.busyMs).toBe(16);
  });
});

describe('waits', () => {
  it('can be for several things, and for what has happened already', () => {
    const simulation = new Simulation();
    const signal = new Signal();
    const ends: number[] = [];
    function* process(): Process {
      yield all([simulation.delay(7), signal.wait, simulation.delay(3)]);
      ends.push(simulation.nowMs);
      yield signal.wait;
      yield all([]);
      ends.push(simulation.nowMs);
    }
    simulation.spawn(process());
    simulation.at(5, () => signal.fire());
    simulation.run();
    expect(ends).toEqual([7, 7]);
  });
});
