import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  loadSync,
  type MessageTypeDefinition,
  type PackageDefinition,
} from '@grpc/proto-loader';
import { packageRoot } from '../paths.js';

/**
 * The contract as gRPC reflection hands it out: the .proto files as buf
 * compiled them (scripts/proto.mjs). proto-loader's own descriptors would not
 * do: they name fields and map entries in ways that foreign tools refuse.
 */
export function reflectedContract(): PackageDefinition {
  const own = loadSync('google/protobuf/descriptor.proto');
  const fileSet = messageType(own, 'FileDescriptorSet');
  const file = messageType(own, 'FileDescriptorProto');
  const path = join(packageRoot, 'proto/gen/descriptors.binpb');
  const set = fileSet.deserialize(readFileSync(path)) as { file: object[] };
  const fileDescriptorProtos = set.file.map((each) => file.serialize(each));
  return { contract: { ...fileSet, fileDescriptorProtos } };
}

function messageType(own: PackageDefinition, name: string) {
  const definition: unknown = own[`google.protobuf.${name}`];
  return definition as MessageTypeDefinition<object, object>;
}
