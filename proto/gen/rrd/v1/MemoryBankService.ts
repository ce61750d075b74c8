// Original file: proto/rrd/v1/memory_bank.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateQueueRequest as _rrd_v1_CreateQueueRequest, CreateQueueRequest__Output as _rrd_v1_CreateQueueRequest__Output } from '../../rrd/v1/CreateQueueRequest.js';
import type { CreateQueueResponse as _rrd_v1_CreateQueueResponse, CreateQueueResponse__Output as _rrd_v1_CreateQueueResponse__Output } from '../../rrd/v1/CreateQueueResponse.js';
import type { DeleteQueueRequest as _rrd_v1_DeleteQueueRequest, DeleteQueueRequest__Output as _rrd_v1_DeleteQueueRequest__Output } from '../../rrd/v1/DeleteQueueRequest.js';
import type { DeleteQueueResponse as _rrd_v1_DeleteQueueResponse, DeleteQueueResponse__Output as _rrd_v1_DeleteQueueResponse__Output } from '../../rrd/v1/DeleteQueueResponse.js';
import type { EnqueueRequest as _rrd_v1_EnqueueRequest, EnqueueRequest__Output as _rrd_v1_EnqueueRequest__Output } from '../../rrd/v1/EnqueueRequest.js';
import type { EnqueueResponse as _rrd_v1_EnqueueResponse, EnqueueResponse__Output as _rrd_v1_EnqueueResponse__Output } from '../../rrd/v1/EnqueueResponse.js';
import type { GatherRowsRequest as _rrd_v1_GatherRowsRequest, GatherRowsRequest__Output as _rrd_v1_GatherRowsRequest__Output } from '../../rrd/v1/GatherRowsRequest.js';
import type { GatherRowsResponse as _rrd_v1_GatherRowsResponse, GatherRowsResponse__Output as _rrd_v1_GatherRowsResponse__Output } from '../../rrd/v1/GatherRowsResponse.js';
import type { GetQueueHealthRequest as _rrd_v1_GetQueueHealthRequest, GetQueueHealthRequest__Output as _rrd_v1_GetQueueHealthRequest__Output } from '../../rrd/v1/GetQueueHealthRequest.js';
import type { GetQueueHealthResponse as _rrd_v1_GetQueueHealthResponse, GetQueueHealthResponse__Output as _rrd_v1_GetQueueHealthResponse__Output } from '../../rrd/v1/GetQueueHealthResponse.js';
import type { GetQueueRequest as _rrd_v1_GetQueueRequest, GetQueueRequest__Output as _rrd_v1_GetQueueRequest__Output } from '../../rrd/v1/GetQueueRequest.js';
import type { GetQueueResponse as _rrd_v1_GetQueueResponse, GetQueueResponse__Output as _rrd_v1_GetQueueResponse__Output } from '../../rrd/v1/GetQueueResponse.js';
import type { ListQueuesRequest as _rrd_v1_ListQueuesRequest, ListQueuesRequest__Output as _rrd_v1_ListQueuesRequest__Output } from '../../rrd/v1/ListQueuesRequest.js';
import type { ListQueuesResponse as _rrd_v1_ListQueuesResponse, ListQueuesResponse__Output as _rrd_v1_ListQueuesResponse__Output } from '../../rrd/v1/ListQueuesResponse.js';
import type { RestoreQueueRequest as _rrd_v1_RestoreQueueRequest, RestoreQueueRequest__Output as _rrd_v1_RestoreQueueRequest__Output } from '../../rrd/v1/RestoreQueueRequest.js';
import type { RestoreQueueResponse as _rrd_v1_RestoreQueueResponse, RestoreQueueResponse__Output as _rrd_v1_RestoreQueueResponse__Output } from '../../rrd/v1/RestoreQueueResponse.js';
import type { SubscribeRequest as _rrd_v1_SubscribeRequest, SubscribeRequest__Output as _rrd_v1_SubscribeRequest__Output } from '../../rrd/v1/SubscribeRequest.js';
import type { SubscribeResponse as _rrd_v1_SubscribeResponse, SubscribeResponse__Output as _rrd_v1_SubscribeResponse__Output } from '../../rrd/v1/SubscribeResponse.js';

export interface MemoryBankServiceClient extends grpc.Client {
  CreateQueue(argument: _rrd_v1_CreateQueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  CreateQueue(argument: _rrd_v1_CreateQueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  CreateQueue(argument: _rrd_v1_CreateQueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  CreateQueue(argument: _rrd_v1_CreateQueueRequest, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  createQueue(argument: _rrd_v1_CreateQueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  createQueue(argument: _rrd_v1_CreateQueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  createQueue(argument: _rrd_v1_CreateQueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  createQueue(argument: _rrd_v1_CreateQueueRequest, callback: grpc.requestCallback<_rrd_v1_CreateQueueResponse__Output>): grpc.ClientUnaryCall;
  
  DeleteQueue(argument: _rrd_v1_DeleteQueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  DeleteQueue(argument: _rrd_v1_DeleteQueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  DeleteQueue(argument: _rrd_v1_DeleteQueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  DeleteQueue(argument: _rrd_v1_DeleteQueueRequest, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  deleteQueue(argument: _rrd_v1_DeleteQueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  deleteQueue(argument: _rrd_v1_DeleteQueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  deleteQueue(argument: _rrd_v1_DeleteQueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  deleteQueue(argument: _rrd_v1_DeleteQueueRequest, callback: grpc.requestCallback<_rrd_v1_DeleteQueueResponse__Output>): grpc.ClientUnaryCall;
  
  Enqueue(argument: _rrd_v1_EnqueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  Enqueue(argument: _rrd_v1_EnqueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  Enqueue(argument: _rrd_v1_EnqueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  Enqueue(argument: _rrd_v1_EnqueueRequest, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  enqueue(argument: _rrd_v1_EnqueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  enqueue(argument: _rrd_v1_EnqueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  enqueue(argument: _rrd_v1_EnqueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  enqueue(argument: _rrd_v1_EnqueueRequest, callback: grpc.requestCallback<_rrd_v1_EnqueueResponse__Output>): grpc.ClientUnaryCall;
  
  GatherRows(argument: _rrd_v1_GatherRowsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_GatherRowsResponse__Output>;
  GatherRows(argument: _rrd_v1_GatherRowsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_GatherRowsResponse__Output>;
  gatherRows(argument: _rrd_v1_GatherRowsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_GatherRowsResponse__Output>;
  gatherRows(argument: _rrd_v1_GatherRowsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_GatherRowsResponse__Output>;
  
  GetQueue(argument: _rrd_v1_GetQueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  GetQueue(argument: _rrd_v1_GetQueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  GetQueue(argument: _rrd_v1_GetQueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  GetQueue(argument: _rrd_v1_GetQueueRequest, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  getQueue(argument: _rrd_v1_GetQueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  getQueue(argument: _rrd_v1_GetQueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  getQueue(argument: _rrd_v1_GetQueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  getQueue(argument: _rrd_v1_GetQueueRequest, callback: grpc.requestCallback<_rrd_v1_GetQueueResponse__Output>): grpc.ClientUnaryCall;
  
  GetQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  GetQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  GetQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  GetQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  getQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  getQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  getQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  getQueueHealth(argument: _rrd_v1_GetQueueHealthRequest, callback: grpc.requestCallback<_rrd_v1_GetQueueHealthResponse__Output>): grpc.ClientUnaryCall;
  
  ListQueues(argument: _rrd_v1_ListQueuesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  ListQueues(argument: _rrd_v1_ListQueuesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  ListQueues(argument: _rrd_v1_ListQueuesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  ListQueues(argument: _rrd_v1_ListQueuesRequest, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  listQueues(argument: _rrd_v1_ListQueuesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  listQueues(argument: _rrd_v1_ListQueuesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  listQueues(argument: _rrd_v1_ListQueuesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  listQueues(argument: _rrd_v1_ListQueuesRequest, callback: grpc.requestCallback<_rrd_v1_ListQueuesResponse__Output>): grpc.ClientUnaryCall;
  
  RestoreQueue(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  RestoreQueue(metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  RestoreQueue(options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  RestoreQueue(callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  restoreQueue(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  restoreQueue(metadata: grpc.Metadata, callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  restoreQueue(options: grpc.CallOptions, callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  restoreQueue(callback: grpc.requestCallback<_rrd_v1_RestoreQueueResponse__Output>): grpc.ClientWritableStream<_rrd_v1_RestoreQueueRequest>;
  
  Subscribe(argument: _rrd_v1_SubscribeRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_SubscribeResponse__Output>;
  Subscribe(argument: _rrd_v1_SubscribeRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_SubscribeResponse__Output>;
  subscribe(argument: _rrd_v1_SubscribeRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_SubscribeResponse__Output>;
  subscribe(argument: _rrd_v1_SubscribeRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_rrd_v1_SubscribeResponse__Output>;
  
}

export interface MemoryBankServiceHandlers extends grpc.UntypedServiceImplementation {
  CreateQueue: grpc.handleUnaryCall<_rrd_v1_CreateQueueRequest__Output, _rrd_v1_CreateQueueResponse>;
  
  DeleteQueue: grpc.handleUnaryCall<_rrd_v1_DeleteQueueRequest__Output, _rrd_v1_DeleteQueueResponse>;
  
  Enqueue: grpc.handleUnaryCall<_rrd_v1_EnqueueRequest__Output, _rrd_v1_EnqueueResponse>;
  
  GatherRows: grpc.handleServerStreamingCall<_rrd_v1_GatherRowsRequest__Output, _rrd_v1_GatherRowsResponse>;
  
  GetQueue: grpc.handleUnaryCall<_rrd_v1_GetQueueRequest__Output, _rrd_v1_GetQueueResponse>;
  
  GetQueueHealth: grpc.handleUnaryCall<_rrd_v1_GetQueueHealthRequest__Output, _rrd_v1_GetQueueHealthResponse>;
  
  ListQueues: grpc.handleUnaryCall<_rrd_v1_ListQueuesRequest__Output, _rrd_v1_ListQueuesResponse>;
  
  RestoreQueue: grpc.handleClientStreamingCall<_rrd_v1_RestoreQueueRequest__Output, _rrd_v1_RestoreQueueResponse>;
  
  Subscribe: grpc.handleServerStreamingCall<_rrd_v1_SubscribeRequest__Output, _rrd_v1_SubscribeResponse>;
  
}

export interface MemoryBankServiceDefinition extends grpc.ServiceDefinition {
  CreateQueue: MethodDefinition<_rrd_v1_CreateQueueRequest, _rrd_v1_CreateQueueResponse, _rrd_v1_CreateQueueRequest__Output, _rrd_v1_CreateQueueResponse__Output>
  DeleteQueue: MethodDefinition<_rrd_v1_DeleteQueueRequest, _rrd_v1_DeleteQueueResponse, _rrd_v1_DeleteQueueRequest__Output, _rrd_v1_DeleteQueueResponse__Output>
  Enqueue: MethodDefinition<_rrd_v1_EnqueueRequest, _rrd_v1_EnqueueResponse, _rrd_v1_EnqueueRequest__Output, _rrd_v1_EnqueueResponse__Output>
  GatherRows: MethodDefinition<_rrd_v1_GatherRowsRequest, _rrd_v1_GatherRowsResponse, _rrd_v1_GatherRowsRequest__Output, _rrd_v1_GatherRowsResponse__Output>
  GetQueue: MethodDefinition<_rrd_v1_GetQueueRequest, _rrd_v1_GetQueueResponse, _rrd_v1_GetQueueRequest__Output, _rrd_v1_GetQueueResponse__Output>
  GetQueueHealth: MethodDefinition<_rrd_v1_GetQueueHealthRequest, _rrd_v1_GetQueueHealthResponse, _rrd_v1_GetQueueHealthRequest__Output, _rrd_v1_GetQueueHealthResponse__Output>
  ListQueues: MethodDefinition<_rrd_v1_ListQueuesRequest, _rrd_v1_ListQueuesResponse, _rrd_v1_ListQueuesRequest__Output, _rrd_v1_ListQueuesResponse__Output>
  RestoreQueue: MethodDefinition<_rrd_v1_RestoreQueueRequest, _rrd_v1_RestoreQueueResponse, _rrd_v1_RestoreQueueRequest__Output, _rrd_v1_RestoreQueueResponse__Output>
  Subscribe: MethodDefinition<_rrd_v1_SubscribeRequest, _rrd_v1_SubscribeResponse, _rrd_v1_SubscribeRequest__Output, _rrd_v1_SubscribeResponse__Output>
}
