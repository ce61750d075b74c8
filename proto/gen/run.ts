import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Run as _rrd_v1_Run, Run__Output as _rrd_v1_Run__Output } from './rrd/v1/Run.js';
import type { RunFailure as _rrd_v1_RunFailure, RunFailure__Output as _rrd_v1_RunFailure__Output } from './rrd/v1/RunFailure.js';
import type { RunProgress as _rrd_v1_RunProgress, RunProgress__Output as _rrd_v1_RunProgress__Output } from './rrd/v1/RunProgress.js';
import type { RunResult as _rrd_v1_RunResult, RunResult__Output as _rrd_v1_RunResult__Output } from './rrd/v1/RunResult.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      Run: MessageTypeDefinition<_rrd_v1_Run, _rrd_v1_Run__Output>
      RunFailure: MessageTypeDefinition<_rrd_v1_RunFailure, _rrd_v1_RunFailure__Output>
      RunPhase: EnumTypeDefinition
      RunProgress: MessageTypeDefinition<_rrd_v1_RunProgress, _rrd_v1_RunProgress__Output>
      RunResult: MessageTypeDefinition<_rrd_v1_RunResult, _rrd_v1_RunResult__Output>
    }
  }
}

