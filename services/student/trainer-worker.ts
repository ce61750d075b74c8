import type { Dataset } from '#distill/data/dataset.js';
import type { QueueUpdate } from '#distill/queue.js';
import type { HostTensor } from '#distill/tensors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
} from '#runtime/checkpoint/index.js';
import { createEngine } from '#runtime/compute/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { openShared } from '#runtime/data/shared.js';
import { DatasetMismatchError } from '#runtime/errors.js';
import { moved, serveWorker } from '#runtime/worker.js';
import { type BatchSource, startBatchThread } from './batch-thread.js';
import { checkViews, pixelsOf } from './batches.js';
import { Evaluator } from './evaluator.js';
import {
  findTraining,
  captureTraining,
  type CapturedTraining,
  saveTraining,
  type SavedTraining,
} from './training-checkpoint.js';
import { viewSettingsOf } from './plan.js';
import { Training } from './training.js';
import { digestOf } from './weights-digest.js';
import type { Share } from './group/shares.js';
import type { TrainingState } from './group/state-codec.js';
import type {
  ApplyInputs,
  BatchRef,
  BySide,
  Evaluation,
  MirroredRows,
  MovedRows,
  Pixels,
  RankGradients,
  RankInputs,
  ResumePoint,
  SaveRequest,
  StepMeasurements,
  StepResult,
  TeacherFacts,
  ThreadFacts,
  ThreadSettings,
  TrainerApi,
} from './trainer-api.js';

/** The thread of one run: everything that computes or touches the disk. */
class TrainerThread implements TrainerApi {
  #opened: Opened | undefined;
  #saved: SavedTraining | undefined;
  #captured: CapturedTraining | undefined;
  #begun: Begun | undefined;

  async open(settings: ThreadSettings): Promise<ThreadFacts> {
    const { experiment } = settings;
    const dataset = openShared(settings.dataset);
    checkViews(dataset, experiment.training);
    const engine = await createEngine(settings.engine);
    const views = viewSettingsOf(experiment);
    const batches = await startBatchThread(settings.dataset, views);
    this.#opened = { experiment, dataset, engine, batches };
    return {
      engine: engine.name,
      engineVersion: engine.version,
      datasetDigest: dataset.digest,
      imageShape: dataset.imageShape,
      classCount: dataset.classNames.length,
      trainSize: dataset.split('train').size,
      testSize: dataset.split('test').size,
      shardSizes: dataset.shardSizes,
    };
  }

  async findCheckpoint(runLocation: string): Promise<ResumePoint | undefined> {
    const { name: dataset, digest: actual } = this.#open.dataset;
    this.#saved = await findTraining(runLocation);
    if (!this.#saved) return undefined;
    const { datasetDigest: expected, point } = this.#saved;
    if (expected !== actual) {
      throw new DatasetMismatchError({ dataset, expected, actual });
    }
    return point;
  }

  async begin(teacher: TeacherFacts | undefined): Promise<void> {
    const { engine, dataset } = this.#open;
    const training = await Training.create({
      ...this.#open,
      teacherFeatureDim: teacher?.featureDim ?? 0,
      teacherMaps: teacher?.mapShapes ?? [],
      ...(this.#saved && {
        from: { step: this.#saved.point.step, state: this.#saved.state },
      }),
    });
    const evaluator = await Evaluator.create(
      engine,
      training.network,
      dataset,
      await training.readNetwork(),
    );
    this.#begun = { training, evaluator, teacher };
  }

  async follow(commits: readonly QueueUpdate[]): Promise<void> {
    this.#run.training.follow(commits);
  }

  async mirror(snapshots: MirroredRows): Promise<void> {
    this.#run.training.mirror(snapshots);
  }

  async step(inputs: RankInputs): Promise<StepResult> {
    return this.#run.training.step(inputs);
  }

  async gradients(inputs: RankInputs): Promise<RankGradients> {
    return moved(await this.#run.training.gradients(inputs));
  }

  async apply(inputs: ApplyInputs): Promise<StepMeasurements> {
    return this.#run.training.apply(inputs);
  }

  async remember(moved: BySide<MovedRows>): Promise<void> {
    this.#run.training.remember(moved);
  }

  async readTraining(): Promise<TrainingState> {
    const { training } = this.#run;
    const tensors = await training.readState();
    return moved({ tensors, queue: training.readQueue() });
  }

  async writeTraining({ tensors, queue }: TrainingState): Promise<void> {
    await this.#run.training.writeState(tensors, queue);
  }

  async digest(): Promise<string> {
    return digestOf(await this.#run.training.readShared());
  }

  async pixels(batch: BatchRef): Promise<Pixels> {
    const { dataset, experiment } = this.#open;
    return moved(await pixelsOf(dataset, viewSettingsOf(experiment), batch));
  }

  async teach(first: number, logits: HostTensor): Promise<void> {
    this.#run.evaluator.teach(first, logits);
  }

  async readStatistics(): Promise<Uint8Array> {
    return encodeSafetensors(await this.#run.training.readBuffers());
  }

  async classify(share: Share, statistics?: Uint8Array): Promise<Int32Array> {
    const { training, evaluator } = this.#run;
    const own = await training.readNetwork();
    if (!statistics) return evaluator.classify(own, share);
    const { tensors } = decodeSafetensors(statistics, "the chief's buffers");
    return evaluator.classify({ ...own, ...tensors }, share);
  }

  async measure(classes: Int32Array): Promise<Evaluation> {
    return this.#run.evaluator.measure(classes);
  }

  async capture(request: SaveRequest): Promise<void> {
    const { training, teacher } = this.#run;
    const context = { ...this.#open, teacher };
    this.#captured = await captureTraining(training, context, request);
  }

  async save(): Promise<string> {
    const captured = this.#captured;
    if (!captured) throw new Error('capture comes first');
    this.#captured = undefined;
    return saveTraining(captured);
  }

  get #open(): Opened {
    if (!this.#opened) throw new Error('open comes first');
    return this.#opened;
  }

  get #run(): Begun {
    if (!this.#begun) throw new Error('begin comes first');
    return this.#begun;
  }
}

interface Opened {
  readonly experiment: ThreadSettings['experiment'];
  readonly dataset: Dataset;
  readonly engine: Engine;
  readonly batches: BatchSource;
}

interface Begun {
  readonly training: Training;
  readonly evaluator: Evaluator;
  readonly teacher: TeacherFacts | undefined;
}

serveWorker<TrainerApi>(new TrainerThread());
