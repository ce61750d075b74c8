import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#runtime/paths.js';
import { readExperiment } from '../cli/experiment-file.js';
import { studySchema } from '../cli/study/plan.js';
import { readYaml } from '#runtime/yaml-file.js';

const all = readdirSync(join(packageRoot, 'configs'), { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => join('configs', file));
const isStudy = (file: string) => file.startsWith('configs/studies/');
const studies = all.filter(isStudy);
const files = all.filter((file) => !isStudy(file));

/** What the comment at the head says, lines joined. */
function headOf(file: string): string {
  const lines = readFileSync(join(packageRoot, file), 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines.slice(0, end).join('\n');
}

describe('the configs that come with rrd', () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThan(30);
  });

  it.each(files)('%s is an experiment, headed by its own command', (file) => {
    const { name } = readExperiment(join(packageRoot, file));
    expect(headOf(file)).toContain(file);
    const unique = file.replace(/^configs\/|\.yaml$/g, '').replace('/', '-');
    expect(name).toBe(unique);
  });

  it.each(files.filter((file) => /cifar100|imagenet/.test(file)))(
    '%s says what to expect, what it costs, and whose teacher it needs',
    (file) => {
      const { teacher } = readExperiment(join(packageRoot, file));
      const head = headOf(file);
      expect(head).toMatch(/^# Expected: .+\./m);
      expect(head).toMatch(/^# Cost: .+ steps/m);
      const recipe =
        teacher && file.replace(/[^/]*$/, `teacher-${teacher.model}.yaml`);
      if (recipe) expect(files).toContain(recipe);
    },
  );

  it.each(studies)('%s is a study, headed by its own command', (file) => {
    const form = { what: 'study', schema: studySchema };
    const { name } = readYaml(join(packageRoot, file), form);
    const head = headOf(file);
    expect(head).toContain(`rrd study ${file}`);
    expect(head).toMatch(/^# Expected: .+\./m);
    expect(head).toMatch(/^# Cost: .+ steps/m);
    expect(file).toBe(`configs/studies/${name}.yaml`);
  });
});
