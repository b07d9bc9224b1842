/** Bundles the agent into one CommonJS file: the runtime starts it without a module graph, and it is pushed as one piece. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

export default defineConfig({
  cwd: root,
  input: 'agent/main.ts',
  platform: 'node',
  treeshake: { moduleSideEffects: false },
  transform: { define: { __SHOAL_AGENT_VERSION__: JSON.stringify(version) } },
  output: {
    file: 'out/agent/shoal-agent.cjs',
    format: 'cjs',
    minify: 'dce-only',
    comments: { legal: false, annotation: false, jsdoc: false },
  },
})
