/** A started service: it listens at `address` (`host:port`) until closed. */
export interface RunningService {
  readonly name: string;
  readonly address: string;
  /** Drains and frees everything; calling it again changes nothing. */
  close(): Promise<void>;
}
