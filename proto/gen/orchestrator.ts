import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { CancelRunRequest as _rrd_v1_CancelRunRequest, CancelRunRequest__Output as _rrd_v1_CancelRunRequest__Output } from './rrd/v1/CancelRunRequest.js';
import type { CancelRunResponse as _rrd_v1_CancelRunResponse, CancelRunResponse__Output as _rrd_v1_CancelRunResponse__Output } from './rrd/v1/CancelRunResponse.js';
import type { GetRunRequest as _rrd_v1_GetRunRequest, GetRunRequest__Output as _rrd_v1_GetRunRequest__Output } from './rrd/v1/GetRunRequest.js';
import type { GetRunResponse as _rrd_v1_GetRunResponse, GetRunResponse__Output as _rrd_v1_GetRunResponse__Output } from './rrd/v1/GetRunResponse.js';
import type { ListRunsRequest as _rrd_v1_ListRunsRequest, ListRunsRequest__Output as _rrd_v1_ListRunsRequest__Output } from './rrd/v1/ListRunsRequest.js';
import type { ListRunsResponse as _rrd_v1_ListRunsResponse, ListRunsResponse__Output as _rrd_v1_ListRunsResponse__Output } from './rrd/v1/ListRunsResponse.js';
import type { OrchestratorServiceClient as _rrd_v1_OrchestratorServiceClient, OrchestratorServiceDefinition as _rrd_v1_OrchestratorServiceDefinition } from './rrd/v1/OrchestratorService.js';
import type { PauseRunRequest as _rrd_v1_PauseRunRequest, PauseRunRequest__Output as _rrd_v1_PauseRunRequest__Output } from './rrd/v1/PauseRunRequest.js';
import type { PauseRunResponse as _rrd_v1_PauseRunResponse, PauseRunResponse__Output as _rrd_v1_PauseRunResponse__Output } from './rrd/v1/PauseRunResponse.js';
import type { ResumeRunRequest as _rrd_v1_ResumeRunRequest, ResumeRunRequest__Output as _rrd_v1_ResumeRunRequest__Output } from './rrd/v1/ResumeRunRequest.js';
import type { ResumeRunResponse as _rrd_v1_ResumeRunResponse, ResumeRunResponse__Output as _rrd_v1_ResumeRunResponse__Output } from './rrd/v1/ResumeRunResponse.js';
import type { Run as _rrd_v1_Run, Run__Output as _rrd_v1_Run__Output } from './rrd/v1/Run.js';
import type { RunFailure as _rrd_v1_RunFailure, RunFailure__Output as _rrd_v1_RunFailure__Output } from './rrd/v1/RunFailure.js';
import type { RunProgress as _rrd_v1_RunProgress, RunProgress__Output as _rrd_v1_RunProgress__Output } from './rrd/v1/RunProgress.js';
import type { RunResult as _rrd_v1_RunResult, RunResult__Output as _rrd_v1_RunResult__Output } from './rrd/v1/RunResult.js';
import type { SubmitRunRequest as _rrd_v1_SubmitRunRequest, SubmitRunRequest__Output as _rrd_v1_SubmitRunRequest__Output } from './rrd/v1/SubmitRunRequest.js';
import type { SubmitRunResponse as _rrd_v1_SubmitRunResponse, SubmitRunResponse__Output as _rrd_v1_SubmitRunResponse__Output } from './rrd/v1/SubmitRunResponse.js';
import type { WatchRunRequest as _rrd_v1_WatchRunRequest, WatchRunRequest__Output as _rrd_v1_WatchRunRequest__Output } from './rrd/v1/WatchRunRequest.js';
import type { WatchRunResponse as _rrd_v1_WatchRunResponse, WatchRunResponse__Output as _rrd_v1_WatchRunResponse__Output } from './rrd/v1/WatchRunResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      CancelRunRequest: MessageTypeDefinition<_rrd_v1_CancelRunRequest, _rrd_v1_CancelRunRequest__Output>
      CancelRunResponse: MessageTypeDefinition<_rrd_v1_CancelRunResponse, _rrd_v1_CancelRunResponse__Output>
      GetRunRequest: MessageTypeDefinition<_rrd_v1_GetRunRequest, _rrd_v1_GetRunRequest__Output>
      GetRunResponse: MessageTypeDefinition<_rrd_v1_GetRunResponse, _rrd_v1_GetRunResponse__Output>
      ListRunsRequest: MessageTypeDefinition<_rrd_v1_ListRunsRequest, _rrd_v1_ListRunsRequest__Output>
      ListRunsResponse: MessageTypeDefinition<_rrd_v1_ListRunsResponse, _rrd_v1_ListRunsResponse__Output>
      OrchestratorService: SubtypeConstructor<typeof grpc.Client, _rrd_v1_OrchestratorServiceClient> & { service: _rrd_v1_OrchestratorServiceDefinition }
      PauseRunRequest: MessageTypeDefinition<_rrd_v1_PauseRunRequest, _rrd_v1_PauseRunRequest__Output>
      PauseRunResponse: MessageTypeDefinition<_rrd_v1_PauseRunResponse, _rrd_v1_PauseRunResponse__Output>
      ResumeRunRequest: MessageTypeDefinition<_rrd_v1_ResumeRunRequest, _rrd_v1_ResumeRunRequest__Output>
      ResumeRunResponse: MessageTypeDefinition<_rrd_v1_ResumeRunResponse, _rrd_v1_ResumeRunResponse__Output>
      Run: MessageTypeDefinition<_rrd_v1_Run, _rrd_v1_Run__Output>
      RunFailure: MessageTypeDefinition<_rrd_v1_RunFailure, _rrd_v1_RunFailure__Output>
      RunPhase: EnumTypeDefinition
      RunProgress: MessageTypeDefinition<_rrd_v1_RunProgress, _rrd_v1_RunProgress__Output>
      RunResult: MessageTypeDefinition<_rrd_v1_RunResult, _rrd_v1_RunResult__Output>
      SubmitRunRequest: MessageTypeDefinition<_rrd_v1_SubmitRunRequest, _rrd_v1_SubmitRunRequest__Output>
      SubmitRunResponse: MessageTypeDefinition<_rrd_v1_SubmitRunResponse, _rrd_v1_SubmitRunResponse__Output>
      WatchRunRequest: MessageTypeDefinition<_rrd_v1_WatchRunRequest, _rrd_v1_WatchRunRequest__Output>
      WatchRunResponse: MessageTypeDefinition<_rrd_v1_WatchRunResponse, _rrd_v1_WatchRunResponse__Output>
    }
  }
}

