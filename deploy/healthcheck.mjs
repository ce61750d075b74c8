// Exits 0 when the service answers SERVING to the gRPC health protocol.
//   node deploy/healthcheck.mjs [HOST:PORT]
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

// The port that the image sets for every role.
const address = process.argv[2] ?? '127.0.0.1:50051';
const { grpc } = loadPackageDefinition(loadSync(protoPath, { enums: String }));
const health = new grpc.health.v1.Health(address, credentials.createInsecure());

health.check(
  { service: '' },
  { deadline: Date.now() + 2000 },
  (error, reply) => {
    const status = error?.message ?? reply.status;
    console.log(status);
    process.exitCode = status === 'SERVING' ? 0 : 1;
    health.close();
  },
);
