// Generates the TypeScript types of the contract, and the descriptors that the
// servers' reflection hands out: node scripts/proto.mjs
// With --check it changes nothing and fails if proto/gen is out of date.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const target = 'proto/gen';
const out = mkdtempSync(join(tmpdir(), 'rrd-proto-'));
const services = readdirSync('proto/rrd/v1').map((file) => `rrd/v1/${file}`);

execFileSync(
  'npx',
  [
    'proto-loader-gen-types',
    '--includeDirs=proto',
    `--outDir=${out}`,
    '--grpcLib=@grpc/grpc-js',
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--importFileExtension=.js',
    '--targetFileExtension=.ts',
    ...services,
    'inference/open_inference.proto',
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ],
  { stdio: 'inherit' },
);

execFileSync(
  'npx',
  [
    ...['buf', 'build', 'proto', '--exclude-source-info'],
    ...['-o', join(out, 'descriptors.binpb')],
  ],
  { stdio: 'inherit' },
);

if (process.argv.includes('--check')) {
  execFileSync('diff', ['-r', out, target], { stdio: 'inherit' });
} else {
  rmSync(target, { recursive: true, force: true });
  cpSync(out, target, { recursive: true });
}
rmSync(out, { recursive: true });
