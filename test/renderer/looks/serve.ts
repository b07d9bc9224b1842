/**
 * Serves the built screen with a fake core behind it, for looking at pages: `npx tsx test/renderer/looks/serve.ts PORT`.
 * `POST /scene/<name>` changes what the cluster looks like; `POST /down` stops answering, `POST /up` goes on.
 */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFakeCore } from '../fake-core.ts'
import type { Scene } from '../fake-core.ts'

const root = process.env['LOOKS_ROOT'] ?? fileURLToPath(new URL('../../../out/renderer', import.meta.url))
const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
}
const core = createFakeCore({
  stepMs: Number(process.env['LOOKS_STEP_MS'] ?? 120),
  unfinished: true,
  change: 'reverted',
})
const readers = new Set<ServerResponse>()
let down = false
core.on((name, event) => {
  for (const reader of readers) reader.write(`event: ${name}\ndata: ${JSON.stringify(event)}\n\n`)
})

createServer((request, response) => {
  void (async () => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (url.pathname.startsWith('/scene/')) {
      core.scene = url.pathname.slice(7) as Scene
      response.end()
    } else if (url.pathname === '/down' || url.pathname === '/up') {
      down = url.pathname === '/down'
      if (down) for (const reader of readers) reader.destroy()
      response.end()
    } else if (url.pathname === '/elsewhere') {
      core.keepElsewhere('draft-full', (draft) => (draft.name = 'changed-elsewhere'))
      response.end()
    } else if (down) {
      response.destroy()
    } else if (url.pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('event: open\ndata: null\n\n')
      readers.add(response)
      response.on('close', () => readers.delete(response))
    } else if (url.pathname.startsWith('/ask/')) {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(await core.ask(url.pathname.slice(5), JSON.parse(body))))
    } else {
      const file = path.join(root, url.pathname === '/' ? 'index.html' : url.pathname)
      try {
        const bytes = await readFile(file)
        response.setHeader('content-type', types[path.extname(file).slice(1)] ?? 'application/octet-stream')
        response.end(bytes)
      } catch {
        response.writeHead(404).end()
      }
    }
  })()
}).listen(Number(process.argv[2] ?? 4173), '127.0.0.1')
