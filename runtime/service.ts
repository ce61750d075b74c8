/** A started service: it listens at `address` (`host:port`) until closed. */
export interface RunningService {
  readonly name: string;
  readonly address: string;
  /** Resolves when there is nothing more to do; absent where that never is. */
  readonly ended?: Promise<void>;
  /** Drains and frees everything; calling it again changes nothing. */
  close(): Promise<void>;
}
