import { isIP } from 'node:net';
import {
  parseAddresses,
  type ReplicaAddress,
  resolveAddresses,
} from '#runtime/rpc/addresses.js';
import { connect } from '#runtime/rpc/client.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import type { StudentConfig } from './config.js';
import { teacherService } from './teacher-service-client.js';

/** A teacher that is slower to say what it has is not waited for. */
const listMs = 2_000;
/** A list as long as this one may go on. */
const maxListed = 1000;

/**
 * What the teachers of a worker say of a model: the first that answers speaks
 * for all. They lack nothing where none does, which the run will tell, nor
 * where they speak a protocol without a list.
 */
export async function poolLacks(
  model: string,
  {
    teacher,
    teacherProtocol,
    tls,
  }: Pick<StudentConfig, 'teacher' | 'teacherProtocol' | 'tls'>,
): Promise<boolean> {
  if (teacher === undefined) return true;
  if (teacherProtocol !== 'rrd') return false;
  const replicas = await resolveAddresses(parseAddresses(teacher));
  const models = await Promise.any(
    replicas.map((replica) => modelsAt(replica, tls)),
  ).catch(() => undefined);
  return (
    models !== undefined && models.length < maxListed && !models.includes(model)
  );
}

/** We dial an address, but the certificate has the name. */
export function tlsFor(
  { host }: ReplicaAddress,
  tls: ClientTls | undefined,
): ClientTls | undefined {
  if (!tls || isIP(host)) return tls;
  return { ...tls, serverName: tls.serverName ?? host };
}

async function modelsAt(
  replica: ReplicaAddress,
  tls: ClientTls | undefined,
): Promise<string[]> {
  const named = tlsFor(replica, tls);
  const client = connect(teacherService, replica.address, { tls: named });
  try {
    const { models } = await client.listModels({}, { deadlineMs: listMs });
    return models.map(({ model }) => model);
  } finally {
    client.close();
  }
}
