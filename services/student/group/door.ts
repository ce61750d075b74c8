import {
  GroupNotFoundError,
  InvalidRequestError,
  StaleGenerationError,
} from '#runtime/errors.js';
import type { Generation } from './generation.js';
import type { LinkRequest, LinkResponse } from './links.js';
import type { FromMember, ToMember } from './seat.js';
import type { Candidate } from './settings.js';

/** Which two workers of which generation want to be connected. */
export interface LinkHeader {
  readonly runId: string;
  readonly attempt: number;
  readonly generation: number;
  /** The caller's place. */
  readonly index: number;
}

/** A run's ranks as this worker has them: as their chief, or as a member. */
export interface GroupHost {
  readonly attempt: number;
  /** Absent before the first assignment. */
  readonly generation: Generation | undefined;
  /** Of a chief only. */
  join?(
    hello: Candidate,
    requests: AsyncIterable<FromMember>,
    caller: AbortSignal,
  ): AsyncIterable<ToMember>;
}

/** Where other workers find the run that is held here. */
export class GroupDoor {
  readonly #hosts = new Map<string, GroupHost>();

  /** Until what it returns is called. */
  open(runId: string, host: GroupHost): () => void {
    this.#hosts.set(runId, host);
    return () => {
      if (this.#hosts.get(runId) === host) this.#hosts.delete(runId);
    };
  }

  /** @throws GroupNotFoundError */
  join(
    hello: Candidate,
    requests: AsyncIterable<FromMember>,
    caller: AbortSignal,
  ): AsyncIterable<ToMember> {
    const host = this.#find(hello);
    if (!host.join) throw new GroupNotFoundError(hello);
    return host.join(hello, requests, caller);
  }

  /** @throws GroupNotFoundError, StaleGenerationError, InvalidRequestError */
  exchange(
    header: LinkHeader,
    requests: AsyncIterable<LinkRequest>,
    caller: AbortSignal,
  ): AsyncIterable<LinkResponse> {
    const { generation: current } = this.#find(header);
    const { generation, index } = header;
    if (current?.number !== generation) {
      const fields = { generation, current: current?.number ?? 0 };
      throw new StaleGenerationError(fields);
    }
    const { size, place } = current.links;
    if (index > place && index < size)
      return current.links.accept(index, requests, caller);
    const expected = `above ${place} and below ${size}`;
    throw new InvalidRequestError({ field: 'index', value: index, expected });
  }

  #find(asked: { runId: string; attempt: number }): GroupHost {
    const host = this.#hosts.get(asked.runId);
    if (host?.attempt === asked.attempt) return host;
    const { runId, attempt } = asked;
    throw new GroupNotFoundError({ runId, attempt });
  }
}
