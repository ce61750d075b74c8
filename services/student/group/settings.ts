/** What has to be equal where equal results are promised. */
export interface ReplicaFacts {
  readonly engine: string;
  readonly engineVersion: string;
  readonly codeVersion: string;
  readonly datasetDigest: string;
}

export interface GroupSettings {
  /** How long a run waits for its workers before its first step. */
  readonly joinMs: number;
  /** How long a worker may take to load the state that it is dealt. */
  readonly readyMs: number;
  /** Steps between two comparisons of all workers' weights. */
  readonly digestEverySteps: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
}

/** A worker that offers itself. */
export interface Candidate extends ReplicaFacts {
  readonly runId: string;
  readonly attempt: number;
  readonly worker: string;
  /** host:port at which the others reach it. */
  readonly address: string;
}

/** A worker that has been dealt ranks. */
export interface GroupMember {
  readonly worker: string;
  readonly address: string;
  /** Ascending. */
  readonly ranks: number[];
}
