// Original file: proto/rrd/v1/collective.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ExchangeRequest as _rrd_v1_ExchangeRequest, ExchangeRequest__Output as _rrd_v1_ExchangeRequest__Output } from '../../rrd/v1/ExchangeRequest.js';
import type { ExchangeResponse as _rrd_v1_ExchangeResponse, ExchangeResponse__Output as _rrd_v1_ExchangeResponse__Output } from '../../rrd/v1/ExchangeResponse.js';
import type { JoinRequest as _rrd_v1_JoinRequest, JoinRequest__Output as _rrd_v1_JoinRequest__Output } from '../../rrd/v1/JoinRequest.js';
import type { JoinResponse as _rrd_v1_JoinResponse, JoinResponse__Output as _rrd_v1_JoinResponse__Output } from '../../rrd/v1/JoinResponse.js';

export interface CollectiveServiceClient extends grpc.Client {
  Exchange(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExchangeRequest, _rrd_v1_ExchangeResponse__Output>;
  Exchange(options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExchangeRequest, _rrd_v1_ExchangeResponse__Output>;
  exchange(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExchangeRequest, _rrd_v1_ExchangeResponse__Output>;
  exchange(options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_ExchangeRequest, _rrd_v1_ExchangeResponse__Output>;
  
  Join(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_JoinRequest, _rrd_v1_JoinResponse__Output>;
  Join(options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_JoinRequest, _rrd_v1_JoinResponse__Output>;
  join(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_JoinRequest, _rrd_v1_JoinResponse__Output>;
  join(options?: grpc.CallOptions): grpc.ClientDuplexStream<_rrd_v1_JoinRequest, _rrd_v1_JoinResponse__Output>;
  
}

export interface CollectiveServiceHandlers extends grpc.UntypedServiceImplementation {
  Exchange: grpc.handleBidiStreamingCall<_rrd_v1_ExchangeRequest__Output, _rrd_v1_ExchangeResponse>;
  
  Join: grpc.handleBidiStreamingCall<_rrd_v1_JoinRequest__Output, _rrd_v1_JoinResponse>;
  
}

export interface CollectiveServiceDefinition extends grpc.ServiceDefinition {
  Exchange: MethodDefinition<_rrd_v1_ExchangeRequest, _rrd_v1_ExchangeResponse, _rrd_v1_ExchangeRequest__Output, _rrd_v1_ExchangeResponse__Output>
  Join: MethodDefinition<_rrd_v1_JoinRequest, _rrd_v1_JoinResponse, _rrd_v1_JoinRequest__Output, _rrd_v1_JoinResponse__Output>
}
