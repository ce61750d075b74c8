import { describe, expect, it } from 'vitest';
import { cpuFeatures, inspectCompute, parseGpus } from './doctor.js';
import { engineNames } from './engine.js';

describe('the report on what can compute here', () => {
  it('names every engine with its version, or what is missing', async () => {
    const { engines, cpu } = await inspectCompute();
    expect(engines.map(({ name }) => name)).toEqual(engineNames);
    for (const engine of engines) {
      const text = 'version' in engine ? engine.version : engine.missing;
      expect(text, engine.name).not.toBe('');
    }
    expect(engines).toContainEqual({
      name: 'cpu',
      version: 'tfjs-backend-cpu 4.22.0',
    });
    expect(cpu.threads).toBeGreaterThan(0);
    expect(cpu.memoryBytes).toBeGreaterThan(2 ** 20);
  });

  it('finds features on x86 and on ARM, in their order', () => {
    const x86 = 'model name\t: x\nflags\t\t: fpu sse4_2 fma avx2 avx512f\n';
    expect(cpuFeatures(x86)).toEqual(['sse4_2', 'fma', 'avx2', 'avx512f']);
    const arm = 'processor\t: 0\nFeatures\t: fp asimd evtstrm bf16\n';
    expect(cpuFeatures(arm)).toEqual(['asimd', 'bf16']);
    expect(cpuFeatures('')).toEqual([]);
  });

  it('reads the answer of nvidia-smi', () => {
    const answer = 'NVIDIA H100 80GB HBM3, 81559, 550.54.15\n\n';
    expect(parseGpus(answer)).toEqual([
      {
        name: 'NVIDIA H100 80GB HBM3',
        memoryBytes: 81559 * 2 ** 20,
        driver: '550.54.15',
      },
    ]);
  });
});
