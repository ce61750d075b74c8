import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { DescribeRequest as _rrd_v1_DescribeRequest, DescribeRequest__Output as _rrd_v1_DescribeRequest__Output } from './rrd/v1/DescribeRequest.js';
import type { DescribeResponse as _rrd_v1_DescribeResponse, DescribeResponse__Output as _rrd_v1_DescribeResponse__Output } from './rrd/v1/DescribeResponse.js';
import type { ExtractRequest as _rrd_v1_ExtractRequest, ExtractRequest__Output as _rrd_v1_ExtractRequest__Output } from './rrd/v1/ExtractRequest.js';
import type { ExtractResponse as _rrd_v1_ExtractResponse, ExtractResponse__Output as _rrd_v1_ExtractResponse__Output } from './rrd/v1/ExtractResponse.js';
import type { Projection as _rrd_v1_Projection, Projection__Output as _rrd_v1_Projection__Output } from './rrd/v1/Projection.js';
import type { SampleRefs as _rrd_v1_SampleRefs, SampleRefs__Output as _rrd_v1_SampleRefs__Output } from './rrd/v1/SampleRefs.js';
import type { TeacherServiceClient as _rrd_v1_TeacherServiceClient, TeacherServiceDefinition as _rrd_v1_TeacherServiceDefinition } from './rrd/v1/TeacherService.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from './rrd/v1/Tensor.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      Augmentation: EnumTypeDefinition
      DataType: EnumTypeDefinition
      DescribeRequest: MessageTypeDefinition<_rrd_v1_DescribeRequest, _rrd_v1_DescribeRequest__Output>
      DescribeResponse: MessageTypeDefinition<_rrd_v1_DescribeResponse, _rrd_v1_DescribeResponse__Output>
      ExtractRequest: MessageTypeDefinition<_rrd_v1_ExtractRequest, _rrd_v1_ExtractRequest__Output>
      ExtractResponse: MessageTypeDefinition<_rrd_v1_ExtractResponse, _rrd_v1_ExtractResponse__Output>
      Projection: MessageTypeDefinition<_rrd_v1_Projection, _rrd_v1_Projection__Output>
      SampleRefs: MessageTypeDefinition<_rrd_v1_SampleRefs, _rrd_v1_SampleRefs__Output>
      Split: EnumTypeDefinition
      TeacherOutput: EnumTypeDefinition
      TeacherService: SubtypeConstructor<typeof grpc.Client, _rrd_v1_TeacherServiceClient> & { service: _rrd_v1_TeacherServiceDefinition }
      Tensor: MessageTypeDefinition<_rrd_v1_Tensor, _rrd_v1_Tensor__Output>
    }
  }
}

