import { MembersChangedError } from '#runtime/errors.js';
import type { StepFeed } from '../step-feed.js';
import type { Collective } from './collective.js';
import { Links, type LinksOptions } from './links.js';
import { Mesh, type MeshOptions } from './mesh.js';
import type { Others } from './shared-evaluation.js';

/** The workers of a run as they are until one comes or goes. */
export interface Team {
  /** Where the ranks meet. */
  readonly collective: Collective;
  /** Inputs of the ranks that are computed here. */
  readonly feed: StepFeed;
  /** Undefined where all ranks are computed here, always. */
  readonly others?: Others;
  /** Aborts when the ranks are to be dealt again: the step does not count. */
  readonly changed: AbortSignal;
}

export interface GenerationOptions
  extends
    Omit<LinksOptions, 'mesh' | 'onBroken'>,
    Pick<MeshOptions, 'ranks' | 'step' | 'maxBytes' | 'precision'> {
  readonly feedOf: (ranks: readonly number[]) => StepFeed;
  /** Once: the generation is over, because a worker cannot be reached. */
  readonly onBroken: (error: MembersChangedError) => void;
}

/** A team over several workers, seen from one of them. */
export class Generation implements Team {
  readonly number: number;
  readonly collective: Mesh;
  readonly feed: StepFeed;
  readonly links: Links;
  readonly #over = new AbortController();

  constructor(options: GenerationOptions) {
    const { generation, feedOf, onBroken } = options;
    this.number = generation;
    this.collective = new Mesh(options);
    this.feed = feedOf(this.collective.ranks);
    this.links = new Links({
      ...options,
      mesh: this.collective,
      onBroken: (address, cause) => {
        const problem = `${address} cannot be reached: ${textOf(cause)}`;
        const error = new MembersChangedError({ generation, problem });
        this.end(error);
        onBroken(error);
      },
    });
  }

  get others(): Others {
    return this.collective;
  }

  get changed(): AbortSignal {
    return this.#over.signal;
  }

  /** Frees it; whoever waits gets the reason. */
  end(reason: Error): void {
    if (this.changed.aborted) return;
    this.#over.abort(reason);
    this.collective.close(reason);
    this.links.close(reason);
    this.feed.close();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
