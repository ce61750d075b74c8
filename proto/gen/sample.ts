import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { SampleRefs as _rrd_v1_SampleRefs, SampleRefs__Output as _rrd_v1_SampleRefs__Output } from './rrd/v1/SampleRefs.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      Augmentation: EnumTypeDefinition
      SampleRefs: MessageTypeDefinition<_rrd_v1_SampleRefs, _rrd_v1_SampleRefs__Output>
      Split: EnumTypeDefinition
    }
  }
}

