/**
 * Bundles the command line into out/cli: one small file that starts at once, and chunks (core, browser host) that load only when a
 * command needs them. ssh2's two native addons are left out: it works without them, and they would tie the bundle to one machine.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

export default defineConfig({
  cwd: root,
  input: 'cli/main.ts',
  platform: 'node',
  external: [/\.node$/, 'cpu-features'],
  transform: {
    target: 'node20',
    // ssh2's bundled poly1305 asks for its folder at start; in a module there is no such word.
    define: { __SHOAL_VERSION__: JSON.stringify(version), __dirname: 'import.meta.dirname' },
  },
  output: {
    dir: 'out/cli',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
    minify: true,
    sourcemap: false,
  },
})
