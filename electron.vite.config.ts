/**
 * Builds the desktop window into out/: main process (ESM), preload (one CommonJS file, as a sandboxed preload must be) and the screen
 * (the same build as for the browser host). Everything is bundled; nothing of node_modules goes into the package.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'electron-vite'
import renderer from './renderer/vite.config.ts'

const at = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const { version } = JSON.parse(readFileSync(at('./package.json'), 'utf8')) as { version: string }
const define = { __SHOAL_VERSION__: JSON.stringify(version) }

export default defineConfig({
  main: {
    define,
    build: {
      outDir: at('./out/main'),
      emptyOutDir: true,
      externalizeDeps: false,
      minify: false,
      rolldownOptions: {
        input: at('./electron/main.ts'),
        // ssh2 works without its two native addons; they would tie the package to one machine.
        external: [/\.node$/, 'cpu-features'],
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: at('./out/preload'),
      emptyOutDir: true,
      externalizeDeps: false,
      rolldownOptions: {
        input: at('./electron/preload.ts'),
        output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
      },
    },
  },
  renderer,
})
