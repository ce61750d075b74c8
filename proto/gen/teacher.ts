import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from './google/protobuf/Any.js';
import type { Status as _google_rpc_Status, Status__Output as _google_rpc_Status__Output } from './google/rpc/Status.js';
import type { DescribeRequest as _rrd_v1_DescribeRequest, DescribeRequest__Output as _rrd_v1_DescribeRequest__Output } from './rrd/v1/DescribeRequest.js';
import type { DescribeResponse as _rrd_v1_DescribeResponse, DescribeResponse__Output as _rrd_v1_DescribeResponse__Output } from './rrd/v1/DescribeResponse.js';
import type { ExtractRequest as _rrd_v1_ExtractRequest, ExtractRequest__Output as _rrd_v1_ExtractRequest__Output } from './rrd/v1/ExtractRequest.js';
import type { ExtractResponse as _rrd_v1_ExtractResponse, ExtractResponse__Output as _rrd_v1_ExtractResponse__Output } from './rrd/v1/ExtractResponse.js';
import type { ExtractStreamRequest as _rrd_v1_ExtractStreamRequest, ExtractStreamRequest__Output as _rrd_v1_ExtractStreamRequest__Output } from './rrd/v1/ExtractStreamRequest.js';
import type { ExtractStreamResponse as _rrd_v1_ExtractStreamResponse, ExtractStreamResponse__Output as _rrd_v1_ExtractStreamResponse__Output } from './rrd/v1/ExtractStreamResponse.js';
import type { ListModelsRequest as _rrd_v1_ListModelsRequest, ListModelsRequest__Output as _rrd_v1_ListModelsRequest__Output } from './rrd/v1/ListModelsRequest.js';
import type { ListModelsResponse as _rrd_v1_ListModelsResponse, ListModelsResponse__Output as _rrd_v1_ListModelsResponse__Output } from './rrd/v1/ListModelsResponse.js';
import type { LoadModelRequest as _rrd_v1_LoadModelRequest, LoadModelRequest__Output as _rrd_v1_LoadModelRequest__Output } from './rrd/v1/LoadModelRequest.js';
import type { LoadModelResponse as _rrd_v1_LoadModelResponse, LoadModelResponse__Output as _rrd_v1_LoadModelResponse__Output } from './rrd/v1/LoadModelResponse.js';
import type { MapShape as _rrd_v1_MapShape, MapShape__Output as _rrd_v1_MapShape__Output } from './rrd/v1/MapShape.js';
import type { ModelStatus as _rrd_v1_ModelStatus, ModelStatus__Output as _rrd_v1_ModelStatus__Output } from './rrd/v1/ModelStatus.js';
import type { Projection as _rrd_v1_Projection, Projection__Output as _rrd_v1_Projection__Output } from './rrd/v1/Projection.js';
import type { SampleRefs as _rrd_v1_SampleRefs, SampleRefs__Output as _rrd_v1_SampleRefs__Output } from './rrd/v1/SampleRefs.js';
import type { StreamOpened as _rrd_v1_StreamOpened, StreamOpened__Output as _rrd_v1_StreamOpened__Output } from './rrd/v1/StreamOpened.js';
import type { TeacherServiceClient as _rrd_v1_TeacherServiceClient, TeacherServiceDefinition as _rrd_v1_TeacherServiceDefinition } from './rrd/v1/TeacherService.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from './rrd/v1/Tensor.js';
import type { UnloadModelRequest as _rrd_v1_UnloadModelRequest, UnloadModelRequest__Output as _rrd_v1_UnloadModelRequest__Output } from './rrd/v1/UnloadModelRequest.js';
import type { UnloadModelResponse as _rrd_v1_UnloadModelResponse, UnloadModelResponse__Output as _rrd_v1_UnloadModelResponse__Output } from './rrd/v1/UnloadModelResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      Any: MessageTypeDefinition<_google_protobuf_Any, _google_protobuf_Any__Output>
    }
    rpc: {
      Status: MessageTypeDefinition<_google_rpc_Status, _google_rpc_Status__Output>
    }
  }
  rrd: {
    v1: {
      Augmentation: EnumTypeDefinition
      DataType: EnumTypeDefinition
      DescribeRequest: MessageTypeDefinition<_rrd_v1_DescribeRequest, _rrd_v1_DescribeRequest__Output>
      DescribeResponse: MessageTypeDefinition<_rrd_v1_DescribeResponse, _rrd_v1_DescribeResponse__Output>
      ExtractRequest: MessageTypeDefinition<_rrd_v1_ExtractRequest, _rrd_v1_ExtractRequest__Output>
      ExtractResponse: MessageTypeDefinition<_rrd_v1_ExtractResponse, _rrd_v1_ExtractResponse__Output>
      ExtractStreamRequest: MessageTypeDefinition<_rrd_v1_ExtractStreamRequest, _rrd_v1_ExtractStreamRequest__Output>
      ExtractStreamResponse: MessageTypeDefinition<_rrd_v1_ExtractStreamResponse, _rrd_v1_ExtractStreamResponse__Output>
      ListModelsRequest: MessageTypeDefinition<_rrd_v1_ListModelsRequest, _rrd_v1_ListModelsRequest__Output>
      ListModelsResponse: MessageTypeDefinition<_rrd_v1_ListModelsResponse, _rrd_v1_ListModelsResponse__Output>
      LoadModelRequest: MessageTypeDefinition<_rrd_v1_LoadModelRequest, _rrd_v1_LoadModelRequest__Output>
      LoadModelResponse: MessageTypeDefinition<_rrd_v1_LoadModelResponse, _rrd_v1_LoadModelResponse__Output>
      MapShape: MessageTypeDefinition<_rrd_v1_MapShape, _rrd_v1_MapShape__Output>
      ModelStatus: MessageTypeDefinition<_rrd_v1_ModelStatus, _rrd_v1_ModelStatus__Output>
      Projection: MessageTypeDefinition<_rrd_v1_Projection, _rrd_v1_Projection__Output>
      SampleRefs: MessageTypeDefinition<_rrd_v1_SampleRefs, _rrd_v1_SampleRefs__Output>
      Split: EnumTypeDefinition
      StreamOpened: MessageTypeDefinition<_rrd_v1_StreamOpened, _rrd_v1_StreamOpened__Output>
      TeacherOutput: EnumTypeDefinition
      TeacherService: SubtypeConstructor<typeof grpc.Client, _rrd_v1_TeacherServiceClient> & { service: _rrd_v1_TeacherServiceDefinition }
      Tensor: MessageTypeDefinition<_rrd_v1_Tensor, _rrd_v1_Tensor__Output>
      UnloadModelRequest: MessageTypeDefinition<_rrd_v1_UnloadModelRequest, _rrd_v1_UnloadModelRequest__Output>
      UnloadModelResponse: MessageTypeDefinition<_rrd_v1_UnloadModelResponse, _rrd_v1_UnloadModelResponse__Output>
    }
  }
}

