/**
 * What the original's web tool makes of a file by merely showing a page of it: it reads with a parser of its own and writes the whole file
 * anew. Many files in use went through it, so its losses explain what is found in them, and whoever still opens it should know them.
 * The daemons never read this way (see piranha.ts).
 */
import { directives } from './directives.ts'
import type { Scope } from './directives.ts'

/** Lines longer than this are cut, line end and all. */
const lineMaxBytes = 80
/** Health check lines of virtual servers may be longer. */
const checkLineMaxBytes = 300
const longLines = new Set(['send', 'expect', 'use_regex', 'send_program', 'expect_program'])
/** Lines up to this length are not looked at: the tool goes on with the words of the line before. */
const ignoredLength = 4

const failoverKeys = [
  ...['address', 'vip_nmask', 'active', 'port', 'timeout', 'heartbeat', 'send', 'expect'],
  ...['send_program', 'expect_program', 'start_cmd', 'stop_cmd'],
]

function keysOf(scope: Scope, without: readonly string[] = []): string[] {
  return directives
    .filter((row) => row.scope === scope && !row.shoal && !row.lostByWebTool && !without.includes(row.name))
    .map((row) => row.name)
}

const globalKeys = keysOf('global')
/** The tool reads a deadtime in virtual servers nowhere, and heartbeat and the commands only in failover services. */
const virtualKeys = keysOf('virtual', ['heartbeat', 'start_cmd', 'stop_cmd', 'deadtime'])
const serverKeys = keysOf('server')

type Values = Map<string, string>

interface Service {
  readonly values: Values
  readonly servers: (Values | undefined)[]
}

/** The file as the web tool writes it back, or undefined where it breaks off and leaves the file alone. Text of bytes (Latin-1). */
export function throughWebTool(text: string): string | undefined {
  const reader = new Reader()
  for (const line of linesOf(text)) if (!reader.line(line)) return undefined
  return reader.written()
}

/** Lines as the tool reads them: after a last line end it reads one more, empty one. */
function linesOf(text: string): string[] {
  return text.split('\n')
}

const trimmed = /^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g

class Reader {
  private name = ''
  private datum = ''
  private level = 0
  private kind: 'lvs' | 'fos' = 'lvs'
  private serverAt = -1
  private readonly globals: Values = new Map()
  private readonly virtuals: Service[] = []
  private readonly failovers: Service[] = []

  /** Takes one line; false where the tool runs into a recursion without end. */
  line(raw: string): boolean {
    const line = raw.replace(trimmed, '')
    if (line.length > ignoredLength) {
      const pieces = line.split(' ')
      this.name = pieces[0] ?? ''
      if (!line.includes('=')) this.datum = pieces[1] ?? ''
      else if (pieces[2] !== undefined) this.datum = pieces[2]
      if (isGiven(pieces[3])) this.datum = `${pieces[2]} ${pieces[3]}`
      if (isGiven(pieces[4])) {
        const quote = line.indexOf('"')
        this.datum = quote < 0 ? '' : line.slice(quote)
      }
    }
    let held = line
    while (held.includes('{')) {
      held = `${this.name} ${this.datum}`
      if (held.includes('{')) return false
      this.level++
      if (this.level === 1) this.serverAt = -1
      if (this.level > 1) this.serverAt++
    }
    if (held.includes('}')) {
      // The words stay as they are for the next short line.
      this.level--
      return true
    }
    this.take()
    return true
  }

  private take(): void {
    const { name, datum } = this
    if (this.level === 0 && globalKeys.includes(name)) this.globals.set(name, datum)
    if (this.level === 1) this.takeInService(name, datum)
    if (this.level === 2) this.takeInServer(name, datum)
  }

  private takeInService(name: string, datum: string): void {
    if (name === 'virtual' || name === 'failover') {
      this.kind = name === 'virtual' ? 'lvs' : 'fos'
      const list = this.kind === 'lvs' ? this.virtuals : this.failovers
      list.push({ values: new Map([['', datum]]), servers: [] })
      return
    }
    if (this.kind === 'fos') {
      if (failoverKeys.includes(name)) this.failovers.at(-1)?.values.set(name, datum)
      return
    }
    if (virtualKeys.includes(name)) this.virtuals.at(-1)?.values.set(name, datum)
  }

  private takeInServer(name: string, datum: string): void {
    const key = name === 'server' ? '' : name
    if (key !== '' && !serverKeys.includes(key)) return
    const service = this.virtuals.at(-1)
    if (!service) return
    const server = service.servers[this.serverAt] ?? new Map<string, string>()
    service.servers[this.serverAt] = server
    server.set(key, datum)
  }

  written(): string {
    let out = ''
    const put = (line: string, limit = lineMaxBytes): void => {
      out += `${line}\n`.slice(0, limit)
    }
    put(`serial_no = ${this.globals.get('serial_no') || '1'}`)
    for (const key of globalKeys) {
      const value = key === 'serial_no' ? '' : (this.globals.get(key) ?? '')
      if (value !== '' && value !== ' ') put(`${key} = ${value}`)
    }
    for (const failover of this.failovers) {
      const name = failover.values.get('') ?? ''
      if (name === '') break
      put(`failover ${name} {`)
      for (const key of failoverKeys) putValue(failover.values, key, '     ', lineMaxBytes)
      put('}')
    }
    for (const virtual of this.virtuals) {
      const name = virtual.values.get('') ?? ''
      if (name === '') break
      put(`virtual ${name} {`)
      for (const key of virtualKeys) {
        putValue(virtual.values, key, '     ', longLines.has(key) ? checkLineMaxBytes : lineMaxBytes)
      }
      for (const server of virtual.servers) {
        const serverName = server?.get('') ?? ''
        if (!server || serverName === '') break
        put(`     server ${serverName} {`)
        for (const key of serverKeys) putValue(server, key, '         ', lineMaxBytes)
        put('     }')
      }
      put('}')
    }
    return out

    function putValue(values: Values, key: string, indent: string, limit: number): void {
      const value = values.get(key) ?? ''
      if (value !== '') put(`${indent}${key} = ${value}`, limit)
    }
  }
}

/** Whether a word counts as given: the tool takes 0 for nothing there. */
function isGiven(piece: string | undefined): boolean {
  return piece !== undefined && piece !== '' && piece !== '0'
}
