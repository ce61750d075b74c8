// Original file: proto/rrd/v1/teacher.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DescribeRequest as _rrd_v1_DescribeRequest, DescribeRequest__Output as _rrd_v1_DescribeRequest__Output } from '../../rrd/v1/DescribeRequest.js';
import type { DescribeResponse as _rrd_v1_DescribeResponse, DescribeResponse__Output as _rrd_v1_DescribeResponse__Output } from '../../rrd/v1/DescribeResponse.js';
import type { ExtractRequest as _rrd_v1_ExtractRequest, ExtractRequest__Output as _rrd_v1_ExtractRequest__Output } from '../../rrd/v1/ExtractRequest.js';
import type { ExtractResponse as _rrd_v1_ExtractResponse, ExtractResponse__Output as _rrd_v1_ExtractResponse__Output } from '../../rrd/v1/ExtractResponse.js';
import type { ExtractStreamRequest as _rrd_v1_ExtractStreamRequest, ExtractStreamRequest__Output as _rrd_v1_ExtractStreamRequest__Output } from '../../rrd/v1/ExtractStreamRequest.js';
import type { ExtractStreamResponse as _rrd_v1_ExtractStreamResponse, ExtractStreamResponse__Output as _rrd_v1_ExtractStreamResponse__Output } from '../../rrd/v1/ExtractStreamResponse.js';
import type { ListModelsRequest as _rrd_v1_ListModelsRequest, ListModelsRequest__Output as _rrd_v1_ListModelsRequest__Output } from '../../rrd/v1/ListModelsRequest.js';
import type { ListModelsResponse as _rrd_v1_ListModelsResponse, ListModelsResponse__Output as _rrd_v1_ListModelsResponse__Output } from '../../rrd/v1/ListModelsResponse.js';
import type { LoadModelRequest as _rrd_v1_LoadModelRequest, LoadModelRequest__Output as _rrd_v1_LoadModelRequest__Output } from '../../rrd/v1/LoadModelRequest.js';
import type { LoadModelResponse as _rrd_v1_LoadModelResponse, LoadModelResponse__Output as _rrd_v1_LoadModelResponse__Output } from '../../rrd/v1/LoadModelResponse.js';
import type { UnloadModelRequest as _rrd_v1_UnloadModelRequest, UnloadModelRequest__Output as _rrd_v1_UnloadModelRequest__Output } from '../../rrd/v1/UnloadModelRequest.js';
import type { UnloadModelResponse as _rrd_v1_UnloadModelResponse, UnloadModelResponse__Output as _rrd_v1_UnloadModelResponse__Output } from '../../rrd/v1/UnloadModelResponse.js';

export interface TeacherServiceClient extends grpc.Client {
  Describe(argument: _rrd_v1_DescribeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  Describe(argument: _rrd_v1_DescribeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  Describe(argument: _rrd_v1_DescribeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  Describe(argument: _rrd_v1_DescribeRequest, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _rrd_v1_DescribeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _rrd_v1_DescribeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _rrd_v1_DescribeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _rrd_v1_DescribeRequest, callback: grpc.requestCallback<_rrd_v1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  
  Extract(argument: _rrd_v1_ExtractRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  Extract(argument: _rrd_v1_ExtractRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  Extract(argument: _rrd_v1_ExtractRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  Extract(argument: _rrd_v1_ExtractRequest, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  extract(argument: _rrd_v1_ExtractRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  extract(argument: _rrd_v1_ExtractRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  extract(argument: _rrd_v1_ExtractRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  extract(argument: _rrd_v1_ExtractRequest, callback: grpc.requestCallback<_rrd_v1_ExtractResponse__Output>): grpc.ClientUnaryCall;
  
  ExtractStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExtractStreamRequest, _rrd_v1_ExtractStreamResponse__Output>;
  ExtractStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExtractStreamRequest, _rrd_v1_ExtractStreamResponse__Output>;
  extractStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExtractStreamRequest, _rrd_v1_ExtractStreamResponse__Output>;
  extractStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExtractStreamRequest, _rrd_v1_ExtractStreamResponse__Output>;
  
  ListModels(argument: _rrd_v1_ListModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _rrd_v1_ListModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _rrd_v1_ListModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _rrd_v1_ListModelsRequest, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _rrd_v1_ListModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _rrd_v1_ListModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _rrd_v1_ListModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _rrd_v1_ListModelsRequest, callback: grpc.requestCallback<_rrd_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  
  LoadModel(argument: _rrd_v1_LoadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  LoadModel(argument: _rrd_v1_LoadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  LoadModel(argument: _rrd_v1_LoadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  LoadModel(argument: _rrd_v1_LoadModelRequest, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _rrd_v1_LoadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _rrd_v1_LoadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _rrd_v1_LoadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  loadModel(argument: _rrd_v1_LoadModelRequest, callback: grpc.requestCallback<_rrd_v1_LoadModelResponse__Output>): grpc.ClientUnaryCall;
  
  UnloadModel(argument: _rrd_v1_UnloadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  UnloadModel(argument: _rrd_v1_UnloadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  UnloadModel(argument: _rrd_v1_UnloadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  UnloadModel(argument: _rrd_v1_UnloadModelRequest, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _rrd_v1_UnloadModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _rrd_v1_UnloadModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _rrd_v1_UnloadModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  unloadModel(argument: _rrd_v1_UnloadModelRequest, callback: grpc.requestCallback<_rrd_v1_UnloadModelResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface TeacherServiceHandlers extends grpc.UntypedServiceImplementation {
  Describe: grpc.handleUnaryCall<_rrd_v1_DescribeRequest__Output, _rrd_v1_DescribeResponse>;
  
  Extract: grpc.handleUnaryCall<_rrd_v1_ExtractRequest__Output, _rrd_v1_ExtractResponse>;
  
  ExtractStream: grpc.handleBidiStreamingCall<_rrd_v1_ExtractStreamRequest__Output, _rrd_v1_ExtractStreamResponse>;
  
  ListModels: grpc.handleUnaryCall<_rrd_v1_ListModelsRequest__Output, _rrd_v1_ListModelsResponse>;
  
  LoadModel: grpc.handleUnaryCall<_rrd_v1_LoadModelRequest__Output, _rrd_v1_LoadModelResponse>;
  
  UnloadModel: grpc.handleUnaryCall<_rrd_v1_UnloadModelRequest__Output, _rrd_v1_UnloadModelResponse>;
  
}

export interface TeacherServiceDefinition extends grpc.ServiceDefinition {
  Describe: MethodDefinition<_rrd_v1_DescribeRequest, _rrd_v1_DescribeResponse, _rrd_v1_DescribeRequest__Output, _rrd_v1_DescribeResponse__Output>
  Extract: MethodDefinition<_rrd_v1_ExtractRequest, _rrd_v1_ExtractResponse, _rrd_v1_ExtractRequest__Output, _rrd_v1_ExtractResponse__Output>
  ExtractStream: MethodDefinition<_rrd_v1_ExtractStreamRequest, _rrd_v1_ExtractStreamResponse, _rrd_v1_ExtractStreamRequest__Output, _rrd_v1_ExtractStreamResponse__Output>
  ListModels: MethodDefinition<_rrd_v1_ListModelsRequest, _rrd_v1_ListModelsResponse, _rrd_v1_ListModelsRequest__Output, _rrd_v1_ListModelsResponse__Output>
  LoadModel: MethodDefinition<_rrd_v1_LoadModelRequest, _rrd_v1_LoadModelResponse, _rrd_v1_LoadModelRequest__Output, _rrd_v1_LoadModelResponse__Output>
  UnloadModel: MethodDefinition<_rrd_v1_UnloadModelRequest, _rrd_v1_UnloadModelResponse, _rrd_v1_UnloadModelRequest__Output, _rrd_v1_UnloadModelResponse__Output>
}
