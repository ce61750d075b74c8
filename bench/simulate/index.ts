import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { chooseEngine } from '#runtime/compute/index.js';
import { startNatsServer } from '../../test/nats.js';
import { makeScaleWorld } from '../scale/world.js';
import { round } from '../statistics.js';
import { chart } from './chart.js';
import { checkRuns, printChecks, relativeErrorOf } from './check.js';
import { curvesOf, firstBottlenecks, printCurves, shapes } from './curves.js';
import { fit } from './fit/index.js';
import { type Parameters, readParameters } from './parameters.js';

/** What a cluster of such machines would be connected by: assumed. */
const assumedNetwork = { mebibytesPerSecond: 1192, latencyMs: 0.1 };

/** A folder for figures; none are drawn without it. */
const figures = process.env['RRD_FIGURES'];

/**
 * `npm run bench -- simulate`: a model of students, teachers, bank and network.
 * Its parameters are measured here and checked against real runs of 1, 2 and 4
 * ranks; then it is asked about clusters of such machines. With a file of
 * parameters (`simulate gpu-cluster.yaml`) nothing is measured.
 */
export async function benchSimulate(): Promise<object> {
  const [, file] = process.argv.slice(2);
  if (file === undefined) return simulateMeasured();
  const parameters = readParameters(file);
  return { parameters: file, ...(await extrapolate('assumed', parameters)) };
}

async function simulateMeasured(): Promise<object> {
  const engine = await chooseEngine('auto');
  await using world = await makeScaleWorld();
  const nats = await startNatsServer();
  try {
    const place = { world, nats, engine };
    const fitted = await fit(place, availableParallelism());
    console.log('fitted:', JSON.stringify(fitted, null, 2));
    const checks = await checkRuns(place, fitted);
    printChecks(checks);
    const errors = (known: boolean) =>
      Object.fromEntries(
        checks
          .filter((own) => own.known === known)
          .map((own) => [own.ranks, round(relativeErrorOf(own))]),
      );
    const network = assumedNetwork;
    const curves = await extrapolate('measured', {
      ...{ ...fitted.parameters, network },
    });
    return {
      ...{ relativeError: errors(false), knownRelativeError: errors(true) },
      ...{ engine, load: loadavg()[0], fitted, checks, ...curves },
    };
  } finally {
    await nats.close();
  }
}

/** Each process on a machine of its own. */
async function extrapolate(name: string, parameters: Parameters) {
  const points = curvesOf(parameters);
  printCurves(`${name} parameters, each process on its own machine`, points);
  if (figures !== undefined) {
    await mkdir(figures, { recursive: true });
    for (const shape of shapes) {
      const own = points.filter((point) => point.shape === shape);
      const what = shape === 'ranks' ? 'ranks of one run' : 'students';
      const svg = chart(`${what}, ${name} parameters`, own);
      await writeFile(join(figures, `scale-${name}-${shape}.svg`), svg);
    }
  }
  return { firstBottleneck: firstBottlenecks(points) };
}
