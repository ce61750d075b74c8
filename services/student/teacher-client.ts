import type { MapShape, TeacherTensor } from '#distill/methods/method.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import type { ReplicaAddress } from '#runtime/rpc/addresses.js';
import { InferenceClient, type InferenceSettings } from './inference-client.js';
import type { TeacherDoor } from './teacher-door.js';
import { joinOutputs, partsThatFit } from './teacher-outputs.js';
import type { ReplicaListener } from './teacher-replica.js';
import { TeacherReplicas } from './teacher-replicas.js';
import { tlsFor } from './teacher-pool.js';
import {
  teacherService,
  TeacherServiceClient,
  type TeacherTask,
} from './teacher-service-client.js';
import type { BatchRef, TeacherOutputs } from './trainer-api.js';

/** Our own contract, or that of KServe and Triton. */
export const teacherProtocols = ['rrd', 'kserve'] as const;
export type TeacherProtocol = (typeof teacherProtocols)[number];

export interface TeacherOptions extends TeacherTask {
  readonly protocol: TeacherProtocol;
  readonly inference: InferenceSettings;
  /** One teacher or several equal ones: see `parseAddresses`. */
  readonly addresses: string;
  readonly tls: ClientTls | undefined;
  readonly describeMs: number;
  /** One batch, through all retries. */
  readonly extractMs: number;
  /** One batch at one of several replicas. */
  readonly attemptMs: number;
  readonly listener: ReplicaListener;
}

/**
 * The run's frozen teacher, wherever its replicas are. Every answer comes from
 * the teacher that was there at the start.
 */
export class TeacherClient {
  static async open(
    options: TeacherOptions,
    signal: AbortSignal,
  ): Promise<TeacherClient> {
    const { addresses, describeMs, attemptMs, listener } = options;
    const replicas = await TeacherReplicas.open(
      {
        ...{ addresses, describeMs, attemptMs, listener },
        service: teacherService,
        open: (replica) => openDoor(options, replica),
      },
      signal,
    );
    return new TeacherClient(replicas, options);
  }

  private constructor(
    private readonly replicas: TeacherReplicas,
    private readonly options: Pick<
      TeacherOptions,
      'extractMs' | 'mapPrecision'
    >,
  ) {}

  get digest(): string {
    return this.replicas.description.digest;
  }

  get featureDim(): number {
    return this.replicas.description.featureDim;
  }

  get mapShapes(): readonly MapShape[] {
    return this.replicas.description.mapShapes;
  }

  /** Samples in one call, at most. */
  get maxBatchSize(): number {
    return this.replicas.description.maxBatchSize;
  }

  /** Bytes of messages, both ways. */
  get bytes(): number {
    return this.replicas.bytes;
  }

  /** Outputs for a batch, in its order; large maps come in several answers. */
  async extract(
    batch: BatchRef,
    outputs: ReadonlySet<TeacherTensor>,
    signal: AbortSignal,
  ): Promise<TeacherOutputs> {
    const { extractMs: ms, mapPrecision } = this.options;
    const wait = { ms, signal };
    const parts = partsThatFit(batch, outputs, this.mapShapes, mapPrecision);
    const answers = parts.map((part) =>
      this.replicas.call(wait, (door, options) =>
        door.extract(part, outputs, options),
      ),
    );
    return joinOutputs(await Promise.all(answers));
  }

  close(): void {
    this.replicas.close();
  }
}

function openDoor(
  options: TeacherOptions,
  replica: ReplicaAddress,
): TeacherDoor {
  const { address } = replica;
  const named = tlsFor(replica, options.tls);
  return options.protocol === 'kserve'
    ? new InferenceClient(options, options.inference, address, named)
    : new TeacherServiceClient(options, address, named);
}
