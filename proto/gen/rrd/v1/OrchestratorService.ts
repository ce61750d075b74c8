// Original file: proto/rrd/v1/orchestrator.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CancelRunRequest as _rrd_v1_CancelRunRequest, CancelRunRequest__Output as _rrd_v1_CancelRunRequest__Output } from '../../rrd/v1/CancelRunRequest.js';
import type { CancelRunResponse as _rrd_v1_CancelRunResponse, CancelRunResponse__Output as _rrd_v1_CancelRunResponse__Output } from '../../rrd/v1/CancelRunResponse.js';
import type { GetRunRequest as _rrd_v1_GetRunRequest, GetRunRequest__Output as _rrd_v1_GetRunRequest__Output } from '../../rrd/v1/GetRunRequest.js';
import type { GetRunResponse as _rrd_v1_GetRunResponse, GetRunResponse__Output as _rrd_v1_GetRunResponse__Output } from '../../rrd/v1/GetRunResponse.js';
import type { ListRunsRequest as _rrd_v1_ListRunsRequest, ListRunsRequest__Output as _rrd_v1_ListRunsRequest__Output } from '../../rrd/v1/ListRunsRequest.js';
import type { ListRunsResponse as _rrd_v1_ListRunsResponse, ListRunsResponse__Output as _rrd_v1_ListRunsResponse__Output } from '../../rrd/v1/ListRunsResponse.js';
import type { PauseRunRequest as _rrd_v1_PauseRunRequest, PauseRunRequest__Output as _rrd_v1_PauseRunRequest__Output } from '../../rrd/v1/PauseRunRequest.js';
import type { PauseRunResponse as _rrd_v1_PauseRunResponse, PauseRunResponse__Output as _rrd_v1_PauseRunResponse__Output } from '../../rrd/v1/PauseRunResponse.js';
import type { ResumeRunRequest as _rrd_v1_ResumeRunRequest, ResumeRunRequest__Output as _rrd_v1_ResumeRunRequest__Output } from '../../rrd/v1/ResumeRunRequest.js';
import type { ResumeRunResponse as _rrd_v1_ResumeRunResponse, ResumeRunResponse__Output as _rrd_v1_ResumeRunResponse__Output } from '../../rrd/v1/ResumeRunResponse.js';
import type { SubmitRunRequest as _rrd_v1_SubmitRunRequest, SubmitRunRequest__Output as _rrd_v1_SubmitRunRequest__Output } from '../../rrd/v1/SubmitRunRequest.js';
import type { SubmitRunResponse as _rrd_v1_SubmitRunResponse, SubmitRunResponse__Output as _rrd_v1_SubmitRunResponse__Output } from '../../rrd/v1/SubmitRunResponse.js';
import type { WatchRunRequest as _rrd_v1_WatchRunRequest, WatchRunRequest__Output as _rrd_v1_WatchRunRequest__Output } from '../../rrd/v1/WatchRunRequest.js';
import type { WatchRunResponse as _rrd_v1_WatchRunResponse, WatchRunResponse__Output as _rrd_v1_WatchRunResponse__Output } from '../../rrd/v1/WatchRunResponse.js';

export interface OrchestratorServiceClient extends grpc.Client {
  CancelRun(argument: _rrd_v1_CancelRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  CancelRun(argument: _rrd_v1_CancelRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  CancelRun(argument: _rrd_v1_CancelRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  CancelRun(argument: _rrd_v1_CancelRunRequest, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _rrd_v1_CancelRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _rrd_v1_CancelRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _rrd_v1_CancelRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _rrd_v1_CancelRunRequest, callback: grpc.requestCallback<_rrd_v1_CancelRunResponse__Output>): grpc.ClientUnaryCall;
  
  GetRun(argument: _rrd_v1_GetRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  GetRun(argument: _rrd_v1_GetRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  GetRun(argument: _rrd_v1_GetRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  GetRun(argument: _rrd_v1_GetRunRequest, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  getRun(argument: _rrd_v1_GetRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  getRun(argument: _rrd_v1_GetRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  getRun(argument: _rrd_v1_GetRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  getRun(argument: _rrd_v1_GetRunRequest, callback: grpc.requestCallback<_rrd_v1_GetRunResponse__Output>): grpc.ClientUnaryCall;
  
  ListRuns(argument: _rrd_v1_ListRunsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  ListRuns(argument: _rrd_v1_ListRunsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  ListRuns(argument: _rrd_v1_ListRunsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  ListRuns(argument: _rrd_v1_ListRunsRequest, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  listRuns(argument: _rrd_v1_ListRunsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  listRuns(argument: _rrd_v1_ListRunsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  listRuns(argument: _rrd_v1_ListRunsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  listRuns(argument: _rrd_v1_ListRunsRequest, callback: grpc.requestCallback<_rrd_v1_ListRunsResponse__Output>): grpc.ClientUnaryCall;
  
  PauseRun(argument: _rrd_v1_PauseRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  PauseRun(argument: _rrd_v1_PauseRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  PauseRun(argument: _rrd_v1_PauseRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  PauseRun(argument: _rrd_v1_PauseRunRequest, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  pauseRun(argument: _rrd_v1_PauseRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  pauseRun(argument: _rrd_v1_PauseRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  pauseRun(argument: _rrd_v1_PauseRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  pauseRun(argument: _rrd_v1_PauseRunRequest, callback: grpc.requestCallback<_rrd_v1_PauseRunResponse__Output>): grpc.ClientUnaryCall;
  
  ResumeRun(argument: _rrd_v1_ResumeRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  ResumeRun(argument: _rrd_v1_ResumeRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  ResumeRun(argument: _rrd_v1_ResumeRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  ResumeRun(argument: _rrd_v1_ResumeRunRequest, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  resumeRun(argument: _rrd_v1_ResumeRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  resumeRun(argument: _rrd_v1_ResumeRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  resumeRun(argument: _rrd_v1_ResumeRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  resumeRun(argument: _rrd_v1_ResumeRunRequest, callback: grpc.requestCallback<_rrd_v1_ResumeRunResponse__Output>): grpc.ClientUnaryCall;
  
  SubmitRun(argument: _rrd_v1_SubmitRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  SubmitRun(argument: _rrd_v1_SubmitRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  SubmitRun(argument: _rrd_v1_SubmitRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  SubmitRun(argument: _rrd_v1_SubmitRunRequest, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  submitRun(argument: _rrd_v1_SubmitRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  submitRun(argument: _rrd_v1_SubmitRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  submitRun(argument: _rrd_v1_SubmitRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  submitRun(argument: _rrd_v1_SubmitRunRequest, callback: grpc.requestCallback<_rrd_v1_SubmitRunResponse__Output>): grpc.ClientUnaryCall;
  
  WatchRun(argument: _rrd_v1_WatchRunRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_WatchRunResponse__Output>;
  WatchRun(argument: _rrd_v1_WatchRunRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_WatchRunResponse__Output>;
  watchRun(argument: _rrd_v1_WatchRunRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_WatchRunResponse__Output>;
  watchRun(argument: _rrd_v1_WatchRunRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_WatchRunResponse__Output>;
  
}

export interface OrchestratorServiceHandlers extends grpc.UntypedServiceImplementation {
  CancelRun: grpc.handleUnaryCall<_rrd_v1_CancelRunRequest__Output, _rrd_v1_CancelRunResponse>;
  
  GetRun: grpc.handleUnaryCall<_rrd_v1_GetRunRequest__Output, _rrd_v1_GetRunResponse>;
  
  ListRuns: grpc.handleUnaryCall<_rrd_v1_ListRunsRequest__Output, _rrd_v1_ListRunsResponse>;
  
  PauseRun: grpc.handleUnaryCall<_rrd_v1_PauseRunRequest__Output, _rrd_v1_PauseRunResponse>;
  
  ResumeRun: grpc.handleUnaryCall<_rrd_v1_ResumeRunRequest__Output, _rrd_v1_ResumeRunResponse>;
  
  SubmitRun: grpc.handleUnaryCall<_rrd_v1_SubmitRunRequest__Output, _rrd_v1_SubmitRunResponse>;
  
  WatchRun: grpc.handleServerStreamingCall<_rrd_v1_WatchRunRequest__Output, _rrd_v1_WatchRunResponse>;
  
}

export interface OrchestratorServiceDefinition extends grpc.ServiceDefinition {
  CancelRun: MethodDefinition<_rrd_v1_CancelRunRequest, _rrd_v1_CancelRunResponse, _rrd_v1_CancelRunRequest__Output, _rrd_v1_CancelRunResponse__Output>
  GetRun: MethodDefinition<_rrd_v1_GetRunRequest, _rrd_v1_GetRunResponse, _rrd_v1_GetRunRequest__Output, _rrd_v1_GetRunResponse__Output>
  ListRuns: MethodDefinition<_rrd_v1_ListRunsRequest, _rrd_v1_ListRunsResponse, _rrd_v1_ListRunsRequest__Output, _rrd_v1_ListRunsResponse__Output>
  PauseRun: MethodDefinition<_rrd_v1_PauseRunRequest, _rrd_v1_PauseRunResponse, _rrd_v1_PauseRunRequest__Output, _rrd_v1_PauseRunResponse__Output>
  ResumeRun: MethodDefinition<_rrd_v1_ResumeRunRequest, _rrd_v1_ResumeRunResponse, _rrd_v1_ResumeRunRequest__Output, _rrd_v1_ResumeRunResponse__Output>
  SubmitRun: MethodDefinition<_rrd_v1_SubmitRunRequest, _rrd_v1_SubmitRunResponse, _rrd_v1_SubmitRunRequest__Output, _rrd_v1_SubmitRunResponse__Output>
  WatchRun: MethodDefinition<_rrd_v1_WatchRunRequest, _rrd_v1_WatchRunResponse, _rrd_v1_WatchRunRequest__Output, _rrd_v1_WatchRunResponse__Output>
}
