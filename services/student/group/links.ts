import type {
  ExchangeRequest,
  ExchangeRequest__Output,
} from '#proto/rrd/v1/ExchangeRequest.js';
import type { ExchangeResponse } from '#proto/rrd/v1/ExchangeResponse.js';
import type {
  StepPart as WirePart,
  StepPart__Output,
} from '#proto/rrd/v1/StepPart.js';
import { InvalidRequestError, MembersChangedError } from '#runtime/errors.js';
import { connect, type ClientTls } from '#runtime/rpc/client.js';
import type { PartKind, StepPart } from './inbox.js';
import type { Mesh } from './mesh.js';
import { withSilences } from './silences.js';

/** What a link carries, seen from the worker that is called. */
export type LinkRequest = ExchangeRequest__Output;
export type LinkResponse = ExchangeResponse;

export interface LinksOptions {
  readonly runId: string;
  readonly attempt: number;
  readonly generation: number;
  readonly mesh: Mesh;
  /** host:port of every worker. */
  readonly addresses: readonly string[];
  /** Our place among them. */
  readonly index: number;
  readonly tls: ClientTls | undefined;
  /** The longest silence towards who calls us. */
  readonly heartbeatMs: number;
  /** Silent for so long, a worker that we call cannot be reached. */
  readonly leaseMs: number;
  /** Once: the worker at `address` cannot be heard any more. */
  readonly onBroken: (address: string, error: unknown) => void;
}

/**
 * The connections of a worker with all others of its generation, one stream
 * for each two: the later one in the assignment calls the earlier.
 */
export class Links {
  readonly #options: LinksOptions;
  readonly #stop = new AbortController();

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Workers that are connected, ourselves included. */
  get size(): number {
    return this.#options.addresses.length;
  }

  /** Ours among them: those before us are called, those behind us call. */
  get place(): number {
    return this.#options.index;
  }

  /** Calls everyone before us. */
  dial(): void {
    const { index } = this.#options;
    for (let place = 0; place < index; place++) void this.#call(place);
  }

  /** Takes the call of the worker at `place`; gives what it is to get. */
  async *accept(
    place: number,
    requests: AsyncIterable<LinkRequest>,
    caller: AbortSignal,
  ): AsyncGenerator<LinkResponse> {
    const { mesh, heartbeatMs } = this.#options;
    const signal = AbortSignal.any([caller, this.#stop.signal]);
    void this.#receive(place, requests);
    const parts = withSilences(mesh.partsFor(place, signal), heartbeatMs);
    for await (const part of parts) {
      yield part ? { part: toWire(part) } : { heartbeat: {} };
    }
    signal.throwIfAborted();
  }

  close(reason: Error): void {
    this.#stop.abort(reason);
  }

  async #call(place: number): Promise<void> {
    const { leaseMs: idleMs } = this.#options;
    const { signal } = this.#stop;
    const client = this.#connect(place);
    if (!client) return;
    try {
      const responses = client.exchange(this.#requests(place), {
        ...{ signal, idleMs },
      });
      await this.#receive(place, responses);
    } finally {
      client.close();
    }
  }

  /** Nothing is sent yet; credentials may be unreadable. */
  #connect(place: number) {
    const { addresses, tls, onBroken } = this.#options;
    const address = addresses[place]!;
    try {
      return connect('rrd.v1.CollectiveService', address, { tls });
    } catch (error) {
      onBroken(address, error);
      return undefined;
    }
  }

  async *#requests(place: number): AsyncGenerator<ExchangeRequest> {
    const { runId, attempt, generation, index, mesh } = this.#options;
    yield { header: { runId, attempt, generation, index } };
    for await (const part of mesh.partsFor(place, this.#stop.signal)) {
      yield { part: toWire(part) };
    }
  }

  async #receive(
    place: number,
    messages: AsyncIterable<{ part?: StepPart__Output | null }>,
  ): Promise<void> {
    const { mesh, generation, addresses, onBroken } = this.#options;
    try {
      for await (const { part } of messages) {
        if (part) mesh.receive(fromWire(part));
      }
      const problem = 'its stream ended';
      throw new MembersChangedError({ generation, problem });
    } catch (error) {
      if (!this.#stop.signal.aborted) onBroken(addresses[place]!, error);
    }
  }
}

const wireKinds = {
  vector: 'STEP_PART_KIND_VECTOR',
  mean: 'STEP_PART_KIND_MEAN',
  buffers: 'STEP_PART_KIND_BUFFERS',
  statistics: 'STEP_PART_KIND_STATISTICS',
  classes: 'STEP_PART_KIND_CLASSES',
} as const satisfies Record<PartKind, string>;

function toWire({ kind, ...part }: StepPart): WirePart {
  return { ...part, kind: wireKinds[kind] };
}

/** @throws InvalidRequestError for a kind that we do not know */
function fromWire({ kind: value, ...part }: StepPart__Output): StepPart {
  const kinds = Object.keys(wireKinds) as PartKind[];
  const kind = kinds.find((own) => wireKinds[own] === value);
  if (kind) return { ...part, kind };
  const expected = Object.values(wireKinds).join(', ');
  throw new InvalidRequestError({ field: 'kind', value, expected });
}
