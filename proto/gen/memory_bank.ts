import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { BatchId as _rrd_v1_BatchId, BatchId__Output as _rrd_v1_BatchId__Output } from './rrd/v1/BatchId.js';
import type { CreateQueueRequest as _rrd_v1_CreateQueueRequest, CreateQueueRequest__Output as _rrd_v1_CreateQueueRequest__Output } from './rrd/v1/CreateQueueRequest.js';
import type { CreateQueueResponse as _rrd_v1_CreateQueueResponse, CreateQueueResponse__Output as _rrd_v1_CreateQueueResponse__Output } from './rrd/v1/CreateQueueResponse.js';
import type { DeleteQueueRequest as _rrd_v1_DeleteQueueRequest, DeleteQueueRequest__Output as _rrd_v1_DeleteQueueRequest__Output } from './rrd/v1/DeleteQueueRequest.js';
import type { DeleteQueueResponse as _rrd_v1_DeleteQueueResponse, DeleteQueueResponse__Output as _rrd_v1_DeleteQueueResponse__Output } from './rrd/v1/DeleteQueueResponse.js';
import type { Delta as _rrd_v1_Delta, Delta__Output as _rrd_v1_Delta__Output } from './rrd/v1/Delta.js';
import type { EnqueueRequest as _rrd_v1_EnqueueRequest, EnqueueRequest__Output as _rrd_v1_EnqueueRequest__Output } from './rrd/v1/EnqueueRequest.js';
import type { EnqueueResponse as _rrd_v1_EnqueueResponse, EnqueueResponse__Output as _rrd_v1_EnqueueResponse__Output } from './rrd/v1/EnqueueResponse.js';
import type { GatherRowsRequest as _rrd_v1_GatherRowsRequest, GatherRowsRequest__Output as _rrd_v1_GatherRowsRequest__Output } from './rrd/v1/GatherRowsRequest.js';
import type { GatherRowsResponse as _rrd_v1_GatherRowsResponse, GatherRowsResponse__Output as _rrd_v1_GatherRowsResponse__Output } from './rrd/v1/GatherRowsResponse.js';
import type { GetQueueHealthRequest as _rrd_v1_GetQueueHealthRequest, GetQueueHealthRequest__Output as _rrd_v1_GetQueueHealthRequest__Output } from './rrd/v1/GetQueueHealthRequest.js';
import type { GetQueueHealthResponse as _rrd_v1_GetQueueHealthResponse, GetQueueHealthResponse__Output as _rrd_v1_GetQueueHealthResponse__Output } from './rrd/v1/GetQueueHealthResponse.js';
import type { GetQueueRequest as _rrd_v1_GetQueueRequest, GetQueueRequest__Output as _rrd_v1_GetQueueRequest__Output } from './rrd/v1/GetQueueRequest.js';
import type { GetQueueResponse as _rrd_v1_GetQueueResponse, GetQueueResponse__Output as _rrd_v1_GetQueueResponse__Output } from './rrd/v1/GetQueueResponse.js';
import type { Heartbeat as _rrd_v1_Heartbeat, Heartbeat__Output as _rrd_v1_Heartbeat__Output } from './rrd/v1/Heartbeat.js';
import type { ListQueuesRequest as _rrd_v1_ListQueuesRequest, ListQueuesRequest__Output as _rrd_v1_ListQueuesRequest__Output } from './rrd/v1/ListQueuesRequest.js';
import type { ListQueuesResponse as _rrd_v1_ListQueuesResponse, ListQueuesResponse__Output as _rrd_v1_ListQueuesResponse__Output } from './rrd/v1/ListQueuesResponse.js';
import type { MemoryBankServiceClient as _rrd_v1_MemoryBankServiceClient, MemoryBankServiceDefinition as _rrd_v1_MemoryBankServiceDefinition } from './rrd/v1/MemoryBankService.js';
import type { QueueHealth as _rrd_v1_QueueHealth, QueueHealth__Output as _rrd_v1_QueueHealth__Output } from './rrd/v1/QueueHealth.js';
import type { QueueMember as _rrd_v1_QueueMember, QueueMember__Output as _rrd_v1_QueueMember__Output } from './rrd/v1/QueueMember.js';
import type { QueueSpec as _rrd_v1_QueueSpec, QueueSpec__Output as _rrd_v1_QueueSpec__Output } from './rrd/v1/QueueSpec.js';
import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from './rrd/v1/QueueState.js';
import type { RestoreHeader as _rrd_v1_RestoreHeader, RestoreHeader__Output as _rrd_v1_RestoreHeader__Output } from './rrd/v1/RestoreHeader.js';
import type { RestoreQueueRequest as _rrd_v1_RestoreQueueRequest, RestoreQueueRequest__Output as _rrd_v1_RestoreQueueRequest__Output } from './rrd/v1/RestoreQueueRequest.js';
import type { RestoreQueueResponse as _rrd_v1_RestoreQueueResponse, RestoreQueueResponse__Output as _rrd_v1_RestoreQueueResponse__Output } from './rrd/v1/RestoreQueueResponse.js';
import type { SnapshotChunk as _rrd_v1_SnapshotChunk, SnapshotChunk__Output as _rrd_v1_SnapshotChunk__Output } from './rrd/v1/SnapshotChunk.js';
import type { SnapshotHeader as _rrd_v1_SnapshotHeader, SnapshotHeader__Output as _rrd_v1_SnapshotHeader__Output } from './rrd/v1/SnapshotHeader.js';
import type { SubscribeRequest as _rrd_v1_SubscribeRequest, SubscribeRequest__Output as _rrd_v1_SubscribeRequest__Output } from './rrd/v1/SubscribeRequest.js';
import type { SubscribeResponse as _rrd_v1_SubscribeResponse, SubscribeResponse__Output as _rrd_v1_SubscribeResponse__Output } from './rrd/v1/SubscribeResponse.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from './rrd/v1/Tensor.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      BatchId: MessageTypeDefinition<_rrd_v1_BatchId, _rrd_v1_BatchId__Output>
      CreateQueueRequest: MessageTypeDefinition<_rrd_v1_CreateQueueRequest, _rrd_v1_CreateQueueRequest__Output>
      CreateQueueResponse: MessageTypeDefinition<_rrd_v1_CreateQueueResponse, _rrd_v1_CreateQueueResponse__Output>
      DataType: EnumTypeDefinition
      DeleteQueueRequest: MessageTypeDefinition<_rrd_v1_DeleteQueueRequest, _rrd_v1_DeleteQueueRequest__Output>
      DeleteQueueResponse: MessageTypeDefinition<_rrd_v1_DeleteQueueResponse, _rrd_v1_DeleteQueueResponse__Output>
      Delta: MessageTypeDefinition<_rrd_v1_Delta, _rrd_v1_Delta__Output>
      EnqueueRequest: MessageTypeDefinition<_rrd_v1_EnqueueRequest, _rrd_v1_EnqueueRequest__Output>
      EnqueueResponse: MessageTypeDefinition<_rrd_v1_EnqueueResponse, _rrd_v1_EnqueueResponse__Output>
      GatherRowsRequest: MessageTypeDefinition<_rrd_v1_GatherRowsRequest, _rrd_v1_GatherRowsRequest__Output>
      GatherRowsResponse: MessageTypeDefinition<_rrd_v1_GatherRowsResponse, _rrd_v1_GatherRowsResponse__Output>
      GetQueueHealthRequest: MessageTypeDefinition<_rrd_v1_GetQueueHealthRequest, _rrd_v1_GetQueueHealthRequest__Output>
      GetQueueHealthResponse: MessageTypeDefinition<_rrd_v1_GetQueueHealthResponse, _rrd_v1_GetQueueHealthResponse__Output>
      GetQueueRequest: MessageTypeDefinition<_rrd_v1_GetQueueRequest, _rrd_v1_GetQueueRequest__Output>
      GetQueueResponse: MessageTypeDefinition<_rrd_v1_GetQueueResponse, _rrd_v1_GetQueueResponse__Output>
      Heartbeat: MessageTypeDefinition<_rrd_v1_Heartbeat, _rrd_v1_Heartbeat__Output>
      ListQueuesRequest: MessageTypeDefinition<_rrd_v1_ListQueuesRequest, _rrd_v1_ListQueuesRequest__Output>
      ListQueuesResponse: MessageTypeDefinition<_rrd_v1_ListQueuesResponse, _rrd_v1_ListQueuesResponse__Output>
      MemoryBankService: SubtypeConstructor<typeof grpc.Client, _rrd_v1_MemoryBankServiceClient> & { service: _rrd_v1_MemoryBankServiceDefinition }
      QueueHealth: MessageTypeDefinition<_rrd_v1_QueueHealth, _rrd_v1_QueueHealth__Output>
      QueueInit: EnumTypeDefinition
      QueueMember: MessageTypeDefinition<_rrd_v1_QueueMember, _rrd_v1_QueueMember__Output>
      QueueSpec: MessageTypeDefinition<_rrd_v1_QueueSpec, _rrd_v1_QueueSpec__Output>
      QueueState: MessageTypeDefinition<_rrd_v1_QueueState, _rrd_v1_QueueState__Output>
      RestoreHeader: MessageTypeDefinition<_rrd_v1_RestoreHeader, _rrd_v1_RestoreHeader__Output>
      RestoreQueueRequest: MessageTypeDefinition<_rrd_v1_RestoreQueueRequest, _rrd_v1_RestoreQueueRequest__Output>
      RestoreQueueResponse: MessageTypeDefinition<_rrd_v1_RestoreQueueResponse, _rrd_v1_RestoreQueueResponse__Output>
      SnapshotChunk: MessageTypeDefinition<_rrd_v1_SnapshotChunk, _rrd_v1_SnapshotChunk__Output>
      SnapshotHeader: MessageTypeDefinition<_rrd_v1_SnapshotHeader, _rrd_v1_SnapshotHeader__Output>
      SubscribeRequest: MessageTypeDefinition<_rrd_v1_SubscribeRequest, _rrd_v1_SubscribeRequest__Output>
      SubscribeResponse: MessageTypeDefinition<_rrd_v1_SubscribeResponse, _rrd_v1_SubscribeResponse__Output>
      Tensor: MessageTypeDefinition<_rrd_v1_Tensor, _rrd_v1_Tensor__Output>
    }
  }
}

