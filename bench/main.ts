import { benchBank } from './bank/index.js';
import { benchData } from './data.js';
import { benchEquivalence } from './equivalence.js';
import { benchFaults } from './faults.js';
import { benchTeacherForward } from './teacher-forward.js';
import { benchTeacherService } from './teacher-service/index.js';
import { benchGpu } from './gpu.js';
import { benchMemories } from './memories/index.js';
import { benchRanks } from './ranks/index.js';
import { benchPrecision } from './precision.js';
import { benchResume } from './resume.js';
import { benchRrdStep } from './rrd-step.js';
import { benchSimulate } from './simulate/index.js';
import { benchSweep } from './sweep.js';
import { benchServices } from './services-vs-in-process.js';
import { benchStaleness } from './staleness.js';
import { benchEngines, benchStudentStep } from './student-step.js';

/**
 * `npm run bench -- NAME`: runs one benchmark. The last line printed is one
 * JSON object with `bench` (its name) and what it measured.
 */
const benches: Readonly<Record<string, () => Promise<object>>> = {
  bank: benchBank,
  data: benchData,
  engines: () => benchEngines(),
  equivalence: benchEquivalence,
  faults: benchFaults,
  memories: benchMemories,
  ranks: benchRanks,
  precision: benchPrecision,
  resume: benchResume,
  gpu: benchGpu,
  'rrd-step': benchRrdStep,
  simulate: benchSimulate,
  sweep: benchSweep,
  'services-vs-in-process': () => benchServices(),
  staleness: benchStaleness,
  'student-step': benchStudentStep,
  'teacher-forward': () => benchTeacherForward(),
  'teacher-service': benchTeacherService,
};

const [name = ''] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exitCode = 2;
} else {
  console.log(JSON.stringify({ bench: name, ...(await bench()) }));
}
