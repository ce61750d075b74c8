import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from './rrd/v1/Tensor.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      DataType: EnumTypeDefinition
      Tensor: MessageTypeDefinition<_rrd_v1_Tensor, _rrd_v1_Tensor__Output>
    }
  }
}

