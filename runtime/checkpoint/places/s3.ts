import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { readAwsEnv } from '../../env.js';
import { CheckpointStorageError, CorruptFileError } from '../../errors.js';
import {
  type CheckpointPlace,
  type Content,
  type ContentName,
  manifestName,
  missing,
} from './place.js';

/** An upload that is cut off begins again with its last part. */
const partBytes = 32 * 2 ** 20;
/** It keeps connections, and credentials that take a while to get. */
let shared: S3Client | undefined;

/**
 * A prefix in a bucket of S3, or of whatever else speaks its protocol. Contents
 * are objects named by their hashes, so that no two writers touch the same one
 * with other bytes; the manifest, written last, makes them a checkpoint.
 */
export class S3Place implements CheckpointPlace {
  readonly #client: S3Client;
  readonly #prefix: string;

  /** @param client the one of this thread, unless given */
  constructor(
    private readonly bucket: string,
    prefix: string,
    client = (shared ??= createS3Client()),
  ) {
    this.#client = client;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
  }

  async list(): Promise<string[]> {
    const pattern = new RegExp(`^([^/]+)/${manifestName}$`);
    const keys = await this.#keysBelow('');
    return keys.flatMap((key) => pattern.exec(key)?.[1] ?? []);
  }

  async write(
    name: string,
    contents: readonly Content[],
    manifest: string,
  ): Promise<void> {
    for (const content of contents)
      await this.#upload(contentKey(name, content), content.bytes);
    await this.#reach(`${name}/${manifestName}`, async (object) => {
      const Body = Buffer.from(manifest);
      await this.#client.send(new PutObjectCommand({ ...object, Body }));
    });
  }

  readManifest(name: string, maxBytes: number): Promise<Uint8Array> {
    return this.#read(`${name}/${manifestName}`, maxBytes);
  }

  readContent(
    name: string,
    content: ContentName,
    maxBytes: number,
  ): Promise<Uint8Array> {
    return this.#read(contentKey(name, content), maxBytes);
  }

  /** The manifest goes first: what is left is no checkpoint. */
  async remove(name: string): Promise<void> {
    await this.#delete(`${name}/${manifestName}`);
    for (const key of await this.#keysBelow(`${name}/`))
      await this.#delete(key);
  }

  #upload(key: string, bytes: Uint8Array): Promise<void> {
    return this.#reach(key, async (object) => {
      const params = { ...object, Body: bytes };
      const client = this.#client;
      await new Upload({ client, params, partSize: partBytes }).done();
    });
  }

  #read(key: string, maxBytes: number): Promise<Uint8Array> {
    return this.#reach(key, async (object, path) => {
      const answer = await this.#client.send(new GetObjectCommand(object));
      return bodyOf(answer, path, maxBytes);
    });
  }

  #delete(key: string): Promise<void> {
    return this.#reach(key, async (object) => {
      await this.#client.send(new DeleteObjectCommand(object));
    });
  }

  #keysBelow(folder: string): Promise<string[]> {
    return this.#reach(folder, async ({ Bucket, Key }) => {
      const keys: string[] = [];
      const pages = paginateListObjectsV2(
        { client: this.#client },
        { Bucket, Prefix: Key },
      );
      for await (const { Contents = [] } of pages)
        for (const { Key: key } of Contents)
          if (key !== undefined) keys.push(key.slice(this.#prefix.length));
      return keys;
    });
  }

  /** @throws CorruptFileError for what is not there, else CheckpointStorageError */
  async #reach<T>(
    key: string,
    call: (object: { Bucket: string; Key: string }, path: string) => Promise<T>,
  ): Promise<T> {
    const object = { Bucket: this.bucket, Key: this.#prefix + key };
    const path = `s3://${object.Bucket}/${object.Key}`;
    try {
      return await call(object, path);
    } catch (cause) {
      if (cause instanceof CorruptFileError) throw cause;
      if (cause instanceof NoSuchKey)
        throw new CorruptFileError({ path, problem: missing });
      const problem = cause instanceof Error ? describe(cause) : String(cause);
      // The store's own errors carry the whole answer, sockets included.
      const own = cause instanceof S3ServiceException ? {} : { cause };
      throw new CheckpointStorageError({ location: path, problem }, own);
    }
  }
}

/** `step-00000600/model-0123456789abcdef.safetensors` */
function contentKey(name: string, { name: file, sha256 }: ContentName): string {
  const [stem, ending] = file.split('.');
  return `${name}/${stem}-${sha256.slice(0, 16)}.${ending}`;
}

async function bodyOf(
  { Body, ContentLength }: GetObjectCommandOutput,
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  if (!Body) throw new CorruptFileError({ path, problem: missing });
  if (ContentLength === undefined || ContentLength > maxBytes) {
    await Body.transformToWebStream().cancel();
    const problem = `${ContentLength} bytes, at most ${maxBytes}`;
    throw new CorruptFileError({ path, problem });
  }
  return Body.transformToByteArray();
}

/** `AccessDenied: Access Denied` says more than its second half. */
function describe({ name, message }: Error): string {
  return name === 'Error' ? message : `${name}: ${message}`;
}

/**
 * Who and where is up to the SDK's own variables, files and roles
 * (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL_S3, ...).
 */
export function createS3Client(): S3Client {
  const { endpoint, region } = readAwsEnv();
  return new S3Client({
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
    // Other stores than Amazon's know neither its newer checksums, nor names of
    // buckets as names of hosts, nor regions; every read compares a SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint && { forcePathStyle: true }),
    ...(endpoint && !region && { region: 'us-east-1' }),
  });
}
