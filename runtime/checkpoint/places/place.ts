/** Of every checkpoint; what it says is in manifest.ts. */
export const manifestName = 'manifest.json';
/** What an error says of something that a place does not have. */
export const missing = 'cannot be read';

export interface ContentName {
  /** As in the manifest: `model.safetensors`. */
  readonly name: string;
  readonly sha256: string;
}

/** A file of a checkpoint besides its manifest. */
export interface Content extends ContentName {
  readonly bytes: Uint8Array;
}

/** Where checkpoints lie side by side, each under its name. */
export interface CheckpointPlace {
  /** Names in no order; none where there is nothing. */
  list(): Promise<string[]>;
  /** All or nothing; a checkpoint of that name is replaced. */
  write(
    name: string,
    contents: readonly Content[],
    manifest: string,
  ): Promise<void>;
  /** @throws CorruptFileError if it is not there, or longer */
  readManifest(name: string, maxBytes: number): Promise<Uint8Array>;
  /** @throws CorruptFileError if it is not there, or longer */
  readContent(
    name: string,
    content: ContentName,
    maxBytes: number,
  ): Promise<Uint8Array>;
  /** Nothing happens where there is none of that name. */
  remove(name: string): Promise<void>;
}
