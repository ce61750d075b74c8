import { defineConfig } from 'vitest/config';

// Tests run as built: what is tested is what ships (worker threads and child
// processes need real files anyway). Source maps lead back to the sources.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
