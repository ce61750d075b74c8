import { join } from 'node:path';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { packageRoot } from '../paths.js';
import type {
  GRPCInferenceServiceDefinition,
  GRPCInferenceServiceHandlers,
} from '#proto/inference/GRPCInferenceService.js';
import type {
  CollectiveServiceDefinition,
  CollectiveServiceHandlers,
} from '#proto/rrd/v1/CollectiveService.js';
import type {
  MemoryBankServiceDefinition,
  MemoryBankServiceHandlers,
} from '#proto/rrd/v1/MemoryBankService.js';
import type {
  OrchestratorServiceDefinition,
  OrchestratorServiceHandlers,
} from '#proto/rrd/v1/OrchestratorService.js';
import type {
  StudentServiceDefinition,
  StudentServiceHandlers,
} from '#proto/rrd/v1/StudentService.js';
import type {
  TeacherServiceDefinition,
  TeacherServiceHandlers,
} from '#proto/rrd/v1/TeacherService.js';
import type { Logger } from '../logger.js';

/**
 * The contract at run time (proto/ loaded as it is) and in types (derived from
 * proto/gen): what a handler takes and gives, and what a client offers.
 */

interface Generated {
  'inference.GRPCInferenceService': {
    definition: GRPCInferenceServiceDefinition;
    handlers: GRPCInferenceServiceHandlers;
  };
  'rrd.v1.CollectiveService': {
    definition: CollectiveServiceDefinition;
    handlers: CollectiveServiceHandlers;
  };
  'rrd.v1.MemoryBankService': {
    definition: MemoryBankServiceDefinition;
    handlers: MemoryBankServiceHandlers;
  };
  'rrd.v1.OrchestratorService': {
    definition: OrchestratorServiceDefinition;
    handlers: OrchestratorServiceHandlers;
  };
  'rrd.v1.StudentService': {
    definition: StudentServiceDefinition;
    handlers: StudentServiceHandlers;
  };
  'rrd.v1.TeacherService': {
    definition: TeacherServiceDefinition;
    handlers: TeacherServiceHandlers;
  };
}

/** A service of the contract by its full name. */
export type ServiceName = keyof Generated;

/** What a handler knows of its call besides the request. */
export interface Call {
  /** Address of the caller's connection. */
  readonly peer: string;
  /** Time that the caller had left when the call began; may be infinite. */
  readonly deadlineMs: number;
  /** Aborts when the caller is gone, its deadline passed, or we shut down. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** What a caller may say about one call. */
export interface CallOptions {
  /** Aborting it ends the call, which then rejects with `signal.reason`. */
  signal?: AbortSignal;
  /** Default 10 s; streams of responses have none unless it is given. */
  deadlineMs?: number;
  /** Streams of responses only: the longest silence before DEADLINE_EXCEEDED. */
  idleMs?: number;
}

/** The names that are written down, without the index signature. */
type Methods<T> = {
  [K in keyof T as string extends K ? never : K]: T[K];
};

type MethodOf<S extends ServiceName> = keyof Methods<Generated[S]['handlers']> &
  keyof Generated[S]['definition'] &
  string;

/** The four message types of a method and its kind of streaming. */
interface MethodTypes<S extends ServiceName, M extends MethodOf<S>> {
  kind: Kind<Methods<Generated[S]['handlers']>[M]>;
  types: Messages<Generated[S]['definition'][M]>;
}

type Messages<D> =
  D extends MethodDefinition<
    infer Request,
    infer Response,
    infer RequestOutput,
    infer ResponseOutput
  >
    ? {
        request: Request;
        response: Response;
        requestOutput: RequestOutput;
        responseOutput: ResponseOutput;
      }
    : never;

type Kind<H> = H extends (...args: infer A) => unknown
  ? A extends [{ request: unknown }, unknown]
    ? 'unary'
    : A extends [{ request: unknown }]
      ? 'serverStream'
      : A extends [unknown, unknown]
        ? 'clientStream'
        : 'bidiStream'
  : never;

interface Shapes<Request, Response, Rest extends unknown[]> {
  unary: (request: Request, ...rest: Rest) => Promise<Response>;
  serverStream: (request: Request, ...rest: Rest) => AsyncIterable<Response>;
  clientStream: (
    requests: AsyncIterable<Request>,
    ...rest: Rest
  ) => Promise<Response>;
  bidiStream: (
    requests: AsyncIterable<Request>,
    ...rest: Rest
  ) => AsyncIterable<Response>;
}

/** What implements service `S`: one function for each method. */
export type Handlers<S extends ServiceName> = {
  readonly [M in MethodOf<S> as Uncapitalize<M>]: Shapes<
    MethodTypes<S, M>['types']['requestOutput'],
    MethodTypes<S, M>['types']['response'],
    [call: Call]
  >[MethodTypes<S, M>['kind']];
};

/** The methods of service `S` as its caller sees them. */
export type Stub<S extends ServiceName> = {
  readonly [M in MethodOf<S> as Uncapitalize<M>]: Shapes<
    MethodTypes<S, M>['types']['request'],
    MethodTypes<S, M>['types']['responseOutput'],
    [options?: CallOptions]
  >[MethodTypes<S, M>['kind']];
};

export type AnyMethod = MethodDefinition<object, object>;

let loaded: PackageDefinition | undefined;

/** Every definition below proto/, loaded once, as proto/gen was generated. */
export function contract(): PackageDefinition {
  loaded ??= loadSync(
    [
      'rrd/v1/collective.proto',
      'rrd/v1/memory_bank.proto',
      'rrd/v1/orchestrator.proto',
      'rrd/v1/student.proto',
      'rrd/v1/teacher.proto',
      'inference/open_inference.proto',
      'google/rpc/status.proto',
      'google/rpc/error_details.proto',
    ],
    {
      includeDirs: [join(packageRoot, 'proto')],
      keepCase: false,
      longs: Number,
      enums: String,
      defaults: true,
      oneofs: true,
    },
  );
  return loaded;
}

/** The methods of a service, by their names in the .proto file. */
export function methodsOf(service: ServiceName): Record<string, AnyMethod> {
  return contract()[service] as ServiceDefinition;
}

/** `Enqueue` -> `enqueue`, as handlers and stubs name their methods. */
export function memberName(method: string): string {
  return method.charAt(0).toLowerCase() + method.slice(1);
}
