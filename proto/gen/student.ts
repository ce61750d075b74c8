import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { GetStatusRequest as _rrd_v1_GetStatusRequest, GetStatusRequest__Output as _rrd_v1_GetStatusRequest__Output } from './rrd/v1/GetStatusRequest.js';
import type { GetStatusResponse as _rrd_v1_GetStatusResponse, GetStatusResponse__Output as _rrd_v1_GetStatusResponse__Output } from './rrd/v1/GetStatusResponse.js';
import type { Run as _rrd_v1_Run, Run__Output as _rrd_v1_Run__Output } from './rrd/v1/Run.js';
import type { RunFailure as _rrd_v1_RunFailure, RunFailure__Output as _rrd_v1_RunFailure__Output } from './rrd/v1/RunFailure.js';
import type { RunProgress as _rrd_v1_RunProgress, RunProgress__Output as _rrd_v1_RunProgress__Output } from './rrd/v1/RunProgress.js';
import type { RunResult as _rrd_v1_RunResult, RunResult__Output as _rrd_v1_RunResult__Output } from './rrd/v1/RunResult.js';
import type { StudentServiceClient as _rrd_v1_StudentServiceClient, StudentServiceDefinition as _rrd_v1_StudentServiceDefinition } from './rrd/v1/StudentService.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      GetStatusRequest: MessageTypeDefinition<_rrd_v1_GetStatusRequest, _rrd_v1_GetStatusRequest__Output>
      GetStatusResponse: MessageTypeDefinition<_rrd_v1_GetStatusResponse, _rrd_v1_GetStatusResponse__Output>
      Run: MessageTypeDefinition<_rrd_v1_Run, _rrd_v1_Run__Output>
      RunFailure: MessageTypeDefinition<_rrd_v1_RunFailure, _rrd_v1_RunFailure__Output>
      RunPhase: EnumTypeDefinition
      RunProgress: MessageTypeDefinition<_rrd_v1_RunProgress, _rrd_v1_RunProgress__Output>
      RunResult: MessageTypeDefinition<_rrd_v1_RunResult, _rrd_v1_RunResult__Output>
      StudentService: SubtypeConstructor<typeof grpc.Client, _rrd_v1_StudentServiceClient> & { service: _rrd_v1_StudentServiceDefinition }
    }
  }
}

