// The core as a process of its own on the lab's network: requests come as lines of JSON on standard input, answers and events go
// out as lines on standard output. The tests outside drive it as a window would.
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { createCore } from '../../core/core.ts'

const settings = z
  .object({ dataDir: z.string(), home: z.string(), agentDir: z.string() })
  .parse(JSON.parse(process.argv[2] ?? '{}'))

const core = await createCore({ ...settings, host: 'browser', version: 'lab' })

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

core.on((name, event) => {
  say({ event: name, value: event })
})

const asked = z.object({ id: z.number(), name: z.string(), args: z.unknown() })
const input = createInterface({ input: process.stdin })
input.on('line', (line) => {
  const { id, name, args } = asked.parse(JSON.parse(line))
  void core.ask(name, args).then((result) => {
    say({ id, result })
  })
})
input.on('close', () => {
  void core.close().then(() => process.exit(0))
})
