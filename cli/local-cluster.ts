import type { Bus } from '#runtime/bus/bus.js';
import { type InProcessSettings, openBus } from '#runtime/bus/index.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import { ConfigInvalidError } from '#runtime/errors.js';
import type { Logger } from '#runtime/logger.js';
import type { RunningService } from '#runtime/service.js';
import * as memoryBank from '../services/memory-bank/config.js';
import { startMemoryBank } from '../services/memory-bank/service.js';
import * as orchestrator from '../services/orchestrator/config.js';
import { startOrchestrator } from '../services/orchestrator/service.js';
import * as student from '../services/student/config.js';
import { startStudent } from '../services/student/service.js';
import * as teacher from '../services/teacher/config.js';
import { startTeacher } from '../services/teacher/service.js';

export interface LocalClusterOptions {
  /** Data sets by name: `folder:/path`, `cifar10:/path`, `cifar100:/path`. */
  readonly datasets: Readonly<Record<string, string>>;
  /** Folder of teacher models; models may be added while the cluster runs. */
  readonly modelsDir: string;
  readonly runsDir: string;
  /** Of the teacher, and of runs that say `auto`. */
  readonly engine: EngineChoice;
  /** Student workers: how many runs go on at once. */
  readonly students: number;
  readonly log: Logger;
  /**
   * Whatever else a service can be told, instead of its defaults; one that is
   * told data sets of its own loads them for itself.
   */
  readonly settings?: {
    readonly bus?: InProcessSettings;
    readonly teacher?: teacher.TeacherSettings;
    readonly memoryBank?: memoryBank.MemoryBankSettings;
    readonly student?: student.StudentSettings;
    readonly orchestrator?: orchestrator.OrchestratorSettings;
  };
}

/** All services in this process, on loopback; `await using` closes them. */
export interface LocalCluster extends AsyncDisposable {
  readonly bus: Bus;
  readonly orchestratorAddress: string;
  readonly teacherAddress: string;
  readonly memoryBankAddress: string;
  readonly students: readonly RunningService[];
}

/**
 * Starts the four services in this process: an in-process bus, gRPC on free
 * ports of the loopback, networks in threads of their own. What was started is
 * closed again if a later service does not start.
 * @throws ConfigInvalidError, among others for what students cannot share
 */
export async function startLocalCluster(
  options: LocalClusterOptions,
): Promise<LocalCluster> {
  const { modelsDir, runsDir, engine, log, settings = {} } = options;
  checkStudents(options.students, settings.student);
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const started = (service: RunningService) => {
    closers.push(() => service.close());
    return service;
  };
  // Nobody else will come who has what these workers lack.
  const orchestrating = { unableTimeoutMs: 0, ...settings.orchestrator };
  const logOf = (service: string) => ({ log: log.child({ service }) });
  const stop = new AbortController();
  const { signal } = stop;
  const datasets = openDatasets(options.datasets, { signal });
  closers.push(async () => stop.abort(new Error('the services were closed')));
  /** Decoded once, for teacher and students. */
  const shared = (own: { datasets?: unknown } = {}) =>
    own.datasets === undefined ? { datasets } : {};
  try {
    const bus = await openBus({ kind: 'in-process', ...settings.bus });
    closers.push(() => bus.close());
    const { address: orchestratorAddress } = started(
      await startOrchestrator(orchestrator.toConfig(orchestrating), {
        bus,
        ...logOf('orchestrator'),
      }),
    );
    const { address: teacherAddress } = started(
      await startTeacher(
        teacher.toConfig({ modelsDir, engine, ...settings.teacher }),
        { ...shared(settings.teacher), ...logOf('teacher') },
      ),
    );
    const { address: memoryBankAddress } = started(
      await startMemoryBank(memoryBank.toConfig(settings.memoryBank), {
        bus,
        ...logOf('memory-bank'),
      }),
    );
    const students: RunningService[] = [];
    for (let i = 1; i <= options.students; i++) {
      const config = student.toConfig({
        ...{ worker: `local-${i}`, runsDir, engine },
        ...{ teacher: teacherAddress, memoryBank: memoryBankAddress },
        ...settings.student,
      });
      const around = {
        ...{ bus, ...shared(settings.student) },
        ...logOf(`student-${i}`),
      };
      students.push(started(await startStudent(config, around)));
    }
    return {
      ...{ bus, orchestratorAddress, teacherAddress, memoryBankAddress },
      students,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws ConfigInvalidError for what each of several workers has its own of */
function checkStudents(
  students: number,
  settings: student.StudentSettings = {},
): void {
  if (students <= 1) return;
  const { advertise, listen } = student.toConfig(settings);
  const port = listen.port === 0 ? undefined : listen.port;
  const own = { worker: settings.worker, advertise, 'listen.port': port };
  for (const [field, value] of Object.entries(own)) {
    if (value === undefined) continue;
    throw new ConfigInvalidError({
      ...{ source: 'student settings', line: 0, field, value },
      expected: `nothing, since ${students} students cannot share it`,
    });
  }
}
