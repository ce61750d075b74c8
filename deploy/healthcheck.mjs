// Exits 0 when the service answers SERVING to the gRPC health protocol.
//   node deploy/healthcheck.mjs [ADDRESS]
// Without an address it asks the port that the service listens on here.
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

const address =
  process.argv[2] ?? `127.0.0.1:${process.env['RRD_LISTEN_PORT'] ?? 50051}`;
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
