import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Assignment as _rrd_v1_Assignment, Assignment__Output as _rrd_v1_Assignment__Output } from './rrd/v1/Assignment.js';
import type { Broken as _rrd_v1_Broken, Broken__Output as _rrd_v1_Broken__Output } from './rrd/v1/Broken.js';
import type { CollectiveServiceClient as _rrd_v1_CollectiveServiceClient, CollectiveServiceDefinition as _rrd_v1_CollectiveServiceDefinition } from './rrd/v1/CollectiveService.js';
import type { ExchangeHeader as _rrd_v1_ExchangeHeader, ExchangeHeader__Output as _rrd_v1_ExchangeHeader__Output } from './rrd/v1/ExchangeHeader.js';
import type { ExchangeRequest as _rrd_v1_ExchangeRequest, ExchangeRequest__Output as _rrd_v1_ExchangeRequest__Output } from './rrd/v1/ExchangeRequest.js';
import type { ExchangeResponse as _rrd_v1_ExchangeResponse, ExchangeResponse__Output as _rrd_v1_ExchangeResponse__Output } from './rrd/v1/ExchangeResponse.js';
import type { Go as _rrd_v1_Go, Go__Output as _rrd_v1_Go__Output } from './rrd/v1/Go.js';
import type { GroupMember as _rrd_v1_GroupMember, GroupMember__Output as _rrd_v1_GroupMember__Output } from './rrd/v1/GroupMember.js';
import type { Hello as _rrd_v1_Hello, Hello__Output as _rrd_v1_Hello__Output } from './rrd/v1/Hello.js';
import type { JoinRequest as _rrd_v1_JoinRequest, JoinRequest__Output as _rrd_v1_JoinRequest__Output } from './rrd/v1/JoinRequest.js';
import type { JoinResponse as _rrd_v1_JoinResponse, JoinResponse__Output as _rrd_v1_JoinResponse__Output } from './rrd/v1/JoinResponse.js';
import type { MemberHeartbeat as _rrd_v1_MemberHeartbeat, MemberHeartbeat__Output as _rrd_v1_MemberHeartbeat__Output } from './rrd/v1/MemberHeartbeat.js';
import type { QueuePlace as _rrd_v1_QueuePlace, QueuePlace__Output as _rrd_v1_QueuePlace__Output } from './rrd/v1/QueuePlace.js';
import type { Ready as _rrd_v1_Ready, Ready__Output as _rrd_v1_Ready__Output } from './rrd/v1/Ready.js';
import type { StepPart as _rrd_v1_StepPart, StepPart__Output as _rrd_v1_StepPart__Output } from './rrd/v1/StepPart.js';
import type { WeightsDigest as _rrd_v1_WeightsDigest, WeightsDigest__Output as _rrd_v1_WeightsDigest__Output } from './rrd/v1/WeightsDigest.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  rrd: {
    v1: {
      Assignment: MessageTypeDefinition<_rrd_v1_Assignment, _rrd_v1_Assignment__Output>
      Broken: MessageTypeDefinition<_rrd_v1_Broken, _rrd_v1_Broken__Output>
      CollectiveService: SubtypeConstructor<typeof grpc.Client, _rrd_v1_CollectiveServiceClient> & { service: _rrd_v1_CollectiveServiceDefinition }
      ExchangeHeader: MessageTypeDefinition<_rrd_v1_ExchangeHeader, _rrd_v1_ExchangeHeader__Output>
      ExchangeRequest: MessageTypeDefinition<_rrd_v1_ExchangeRequest, _rrd_v1_ExchangeRequest__Output>
      ExchangeResponse: MessageTypeDefinition<_rrd_v1_ExchangeResponse, _rrd_v1_ExchangeResponse__Output>
      Go: MessageTypeDefinition<_rrd_v1_Go, _rrd_v1_Go__Output>
      GroupMember: MessageTypeDefinition<_rrd_v1_GroupMember, _rrd_v1_GroupMember__Output>
      Hello: MessageTypeDefinition<_rrd_v1_Hello, _rrd_v1_Hello__Output>
      JoinRequest: MessageTypeDefinition<_rrd_v1_JoinRequest, _rrd_v1_JoinRequest__Output>
      JoinResponse: MessageTypeDefinition<_rrd_v1_JoinResponse, _rrd_v1_JoinResponse__Output>
      MemberHeartbeat: MessageTypeDefinition<_rrd_v1_MemberHeartbeat, _rrd_v1_MemberHeartbeat__Output>
      QueuePlace: MessageTypeDefinition<_rrd_v1_QueuePlace, _rrd_v1_QueuePlace__Output>
      Ready: MessageTypeDefinition<_rrd_v1_Ready, _rrd_v1_Ready__Output>
      StepPart: MessageTypeDefinition<_rrd_v1_StepPart, _rrd_v1_StepPart__Output>
      StepPartKind: EnumTypeDefinition
      WeightsDigest: MessageTypeDefinition<_rrd_v1_WeightsDigest, _rrd_v1_WeightsDigest__Output>
    }
  }
}

