import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

interface Health {
  check(
    request: { service: string },
    answer: (error: Error | null, reply: { status: string }) => void,
  ): void;
  close(): void;
}
type HealthClass = new (address: string, credentials: unknown) => Health;

/** What the health service at `address` says of `service`. */
export async function health(
  address: string,
  service: string,
): Promise<string> {
  const { grpc } = loadPackageDefinition(
    loadSync(protoPath, { enums: String }),
  ) as unknown as { grpc: { health: { v1: { Health: HealthClass } } } };
  const client = new grpc.health.v1.Health(
    address,
    credentials.createInsecure(),
  );
  try {
    return await new Promise((resolve, reject) => {
      client.check({ service }, (error, { status } = { status: '' }) =>
        error ? reject(error) : resolve(status),
      );
    });
  } finally {
    client.close();
  }
}
