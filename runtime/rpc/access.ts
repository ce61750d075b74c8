import type { PeerCertificate } from 'node:tls';
import { z } from 'zod';
import { CallerNotAllowedError } from '../errors.js';
import { readYaml } from '../yaml-file.js';

/** Decides about a call before its handler sees it. @throws CallerNotAllowedError */
export type Authorise = (
  certificate: PeerCertificate | undefined,
  /** `rrd.v1.MemoryBankService/DeleteQueue` */
  method: string,
) => void;

const name = z.string().min(1).max(256);

/**
 * Which callers may call which methods: names of callers, as their certificates
 * have them, by methods. `*` stands for any characters in either.
 */
const rulesSchema = z.record(name, z.array(name).max(1000));

/**
 * The rules of a YAML file. Of those whose method fits a call the longest one
 * counts, and only it; a method that none fits is for nobody.
 * @throws ConfigInvalidError
 */
export function readAccessRules(path: string): Authorise {
  const form = { what: 'access rules', schema: rulesSchema };
  const rules = Object.entries(readYaml(path, form))
    .sort(([a], [b]) => b.length - a.length)
    .map(([method, callers]) => ({
      method: patternOf(method),
      callers: callers.map(patternOf),
    }));
  return (certificate, method) => {
    const names = namesOf(certificate);
    const rule = rules.find((each) => each.method.test(method));
    const isAllowed = rule?.callers.some((pattern) =>
      names.some((caller) => pattern.test(caller)),
    );
    if (isAllowed) return;
    const caller = names[0] ?? 'without a certificate';
    throw new CallerNotAllowedError({ caller, method });
  };
}

/** The common name, then the other DNS names. */
function namesOf(certificate: PeerCertificate | undefined): string[] {
  // Node gives an empty one where the caller showed none.
  const commonName = certificate?.subject?.CN;
  const others = (certificate?.subjectaltname ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length));
  return [commonName ?? [], others].flat();
}

function patternOf(text: string): RegExp {
  const literal = text.replaceAll(/[^\w*]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*')}$`);
}
