/** Three test projects: `fast` (pure code, real effects on this machine), `renderer` (components), `lab` (real hosts). */
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

/** Vitest leaves a processor to others, which on a machine with two of them is half. */
const maxWorkers = '100%'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          globalSetup: './test/scratch.ts',
          include: ['{domain,agent,core,cli,electron,test}/**/*.test.ts'],
          exclude: ['test/renderer/**', 'node_modules/**', 'out/**'],
          environment: 'node',
          testTimeout: 20_000,
          maxWorkers,
        },
      },
      {
        plugins: [vue()],
        test: {
          name: 'renderer',
          globalSetup: './test/scratch.ts',
          include: ['{renderer,test/renderer}/**/*.test.ts'],
          environment: 'happy-dom',
          server: { deps: { inline: ['element-plus'] } },
          testTimeout: 20_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.lab.ts'],
          environment: 'node',
          testTimeout: 600_000,
          hookTimeout: 300_000,
          // Four hosts share this machine with everything else on it; a second failure is one of Shoal. A retry is printed.
          retry: 1,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
})
