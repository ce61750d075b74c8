/** What every loader of files is given. */
export interface LoadOptions {
  /** The name of the data set. */
  readonly name: string;
  /** The folder that holds it. */
  readonly root: string;
  readonly signal: AbortSignal;
  /** Throws `DatasetBytesError` when so many bytes may not be held. */
  reserve(bytes: number): void;
}
