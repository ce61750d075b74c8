// Original file: proto/rrd/v1/student.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetStatusRequest as _rrd_v1_GetStatusRequest, GetStatusRequest__Output as _rrd_v1_GetStatusRequest__Output } from '../../rrd/v1/GetStatusRequest.js';
import type { GetStatusResponse as _rrd_v1_GetStatusResponse, GetStatusResponse__Output as _rrd_v1_GetStatusResponse__Output } from '../../rrd/v1/GetStatusResponse.js';

export interface StudentServiceClient extends grpc.Client {
  GetStatus(argument: _rrd_v1_GetStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _rrd_v1_GetStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _rrd_v1_GetStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _rrd_v1_GetStatusRequest, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _rrd_v1_GetStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _rrd_v1_GetStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _rrd_v1_GetStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _rrd_v1_GetStatusRequest, callback: grpc.requestCallback<_rrd_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface StudentServiceHandlers extends grpc.UntypedServiceImplementation {
  GetStatus: grpc.handleUnaryCall<_rrd_v1_GetStatusRequest__Output, _rrd_v1_GetStatusResponse>;
  
}

export interface StudentServiceDefinition extends grpc.ServiceDefinition {
  GetStatus: MethodDefinition<_rrd_v1_GetStatusRequest, _rrd_v1_GetStatusResponse, _rrd_v1_GetStatusRequest__Output, _rrd_v1_GetStatusResponse__Output>
}
