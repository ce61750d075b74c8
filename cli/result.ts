import type { Run } from './orchestrator-client.js';
import { bytes, percent } from './text.js';

/** A finished run in a few lines. */
export function resultText({ runId, result }: Run): string {
  if (!result) return `${runId}: no result`;
  const lines = [
    ['run', runId],
    ['engine', result.engine],
    [
      'accuracy',
      `${percent(result.testAccuracy)} (best ${percent(result.bestTestAccuracy)})`,
    ],
    ['images/s', result.imagesPerSecond.toFixed(0)],
    ['steps', String(result.steps)],
    ['from teacher', bytes(result.teacherBytes)],
    ['bank', `${bytes(result.bankBytes)}, ${result.bankVersions} versions`],
    ['checkpoint', result.checkpoint],
  ];
  if (result.agreementWithTeacher !== undefined) {
    lines.push(['agrees with teacher', percent(result.agreementWithTeacher)]);
  }
  return lines
    .map(([key = '', value]) => `${key.padEnd(20)} ${value}`)
    .join('\n');
}
