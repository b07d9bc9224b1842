/**
 * The console of a director: each word is one question or order to the running agent over its socket, answered in sentences or as
 * JSON. Exit codes: 0 done, 1 refused or not as it should be, 2 could not be tried.
 */
import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import {
  agentMessageSchema,
  agentProtocol,
  confirmLimitsMs,
  maxStageChars,
  type AgentMessage,
  type AgentRequest,
  type Order,
  type ServiceReport,
  type Snapshot,
  type Staged,
} from '../domain/contract/agent.ts'
import { check } from '../domain/lvscf/check.ts'
import { dropService } from '../domain/ipvs/table.ts'
import { tell } from './director/story.ts'
import { isCommand, overview, pageOf, type Command } from './console-help.ts'
import { openAddresses } from './effects/addresses.ts'
import { problemLine } from './effects/configured.ts'
import { openConnections } from './effects/connections.ts'
import { openKernel } from './effects/kernel.ts'
import { parseHeld, places } from './effects/remembered.ts'
import { openAround } from './effects/surroundings.ts'
import { applyBatch, readTable } from './effects/table.ts'

/** An answer of a running agent is waited for this long; an order that applies a large file takes its time. */
const answerLimitMs = 60_000
const defaultEvents = 50
const maxEvents = 10_000

interface Terminal {
  readonly version: string
  readonly folder: string
  readonly socketPath: string
  readonly say: (text: string) => void
  readonly complain: (text: string) => void
}

/** The question could not be put: exit code 2. */
class NotTried extends Error {}
/** The answer is no: exit code 1. */
class Refused extends Error {}

type Request = AgentRequest extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never

function noAgent(error: Error & { code?: string }): NotTried {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return new NotTried('The agent does not run on this host.')
  if (error.code === 'EACCES') return new NotTried(`The socket may be used by root and the group ${places.group} only.`)
  return new NotTried(error.message)
}

interface Conversation {
  /** Gives the message that ends the answer, and the parts before it. */
  readonly ask: (request: Request) => Promise<{ readonly message: AgentMessage; readonly parts: ServiceReport[] }>
  readonly end: () => void
}

/** Opens a conversation with the running agent; refusals are thrown as what the agent says. */
function converse(socketPath: string): Conversation {
  const socket = connect(socketPath)
  let waiting: { resolve: (message: AgentMessage) => void; reject: (error: Error) => void } | null = null
  let trouble: Error | null = null
  let parts: ServiceReport[] = []
  let rest: Buffer[] = []
  let id = 0
  const fail = (error: Error): void => {
    trouble ??= error
    waiting?.reject(error)
    waiting = null
  }
  socket.on('error', (error) => fail(noAgent(error)))
  socket.on('close', () => fail(new NotTried('The agent ended the conversation.')))
  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10)) {
      const line = Buffer.concat([...rest, bytes.subarray(0, at)]).toString('utf8')
      rest = []
      bytes = bytes.subarray(at + 1)
      const read = agentMessageSchema.safeParse(JSON.parse(line))
      if (!read.success)
        return fail(new NotTried('The agent gave an answer that is not understood; is it of another version?'))
      const message = read.data
      if ('report' in message) continue
      if ('part' in message) parts.push(...message.part)
      else if ('refused' in message) waiting?.reject(new Refused(message.refused))
      else waiting?.resolve(message)
    }
    rest.push(bytes)
  })
  return {
    async ask(request) {
      if (trouble) throw trouble
      parts = []
      const timer = setTimeout(
        () => fail(new NotTried(`The agent gave no answer within ${answerLimitMs / 1_000} s.`)),
        answerLimitMs,
      )
      try {
        const message = await new Promise<AgentMessage>((resolve, reject) => {
          waiting = { resolve, reject }
          id += 1
          socket.write(`${JSON.stringify({ id, ...request })}\n`)
        })
        return { message, parts }
      } finally {
        clearTimeout(timer)
        waiting = null
      }
    },
    end: () => void socket.destroy(),
  }
}

async function asked(socketPath: string, request: Request): Promise<{ message: AgentMessage; parts: ServiceReport[] }> {
  const line = converse(socketPath)
  try {
    return await line.ask(request)
  } finally {
    line.end()
  }
}

const by = (): string => `console (${process.env.SUDO_USER ?? process.env.USER ?? 'root'})`

function ago(atMs: number | undefined, nowMs: number): string {
  if (atMs === undefined) return 'never'
  const s = Math.max(0, Math.round((nowMs - atMs) / 1000))
  return s < 120 ? `${s} s ago` : s < 7_200 ? `${Math.round(s / 60)} min ago` : `${Math.round(s / 3_600)} h ago`
}

/** What an administrator sees: who serves, then every virtual server with its real servers. */
function statusText({ director: d, services, atMs }: Snapshot): string {
  const lines = [
    `${d.director} is ${d.role} since ${new Date(d.roleSinceMs).toISOString()} (term ${d.term}), config ${d.generation} (${d.configDigest.slice(0, 12)})`,
    ...d.unfitBecause.map((r) => `  cannot serve: ${r}`),
    ...(d.staged
      ? [`config ${d.staged.generation} (${d.staged.digest.slice(0, 12)}) is staged by ${d.staged.by}`]
      : []),
    ...(d.unconfirmed
      ? [
          `config ${d.unconfirmed.digest.slice(0, 12)} is to be confirmed within ${Math.max(0, Math.round((d.unconfirmed.untilAtMs - atMs) / 1_000))} s`,
        ]
      : []),
    d.peer.known
      ? `peer is ${d.peer.alive ? (d.peer.role ?? 'heard') : 'not heard'}${d.peer.alive && d.peer.configDigest !== undefined && d.peer.configDigest !== d.configDigest ? `, with another config (${d.peer.generation ?? '?'}, ${d.peer.configDigest.slice(0, 12)})` : ''}`
      : 'no second director is configured',
    ...d.peer.paths.map(
      (p) =>
        `  path ${p.name} ${p.local} → ${p.remote}: ${p.state}, last beat ${ago(p.lastHeardAtMs, atMs)}, loss ${p.lossPercent} %, refused ${p.refused}`,
    ),
    ...d.virtualIps.map(
      (v) =>
        `virtual IP ${v.address} on ${v.device}: ${v.held === null ? 'not known' : v.held ? 'here' : 'not here'}${v.wanted === v.held ? '' : ', being changed'}`,
    ),
    ...d.kernel.drift.map((t) => `differs: ${t}`),
    ...(d.notify ?? []).flatMap((c) =>
      c.failingSinceMs === undefined
        ? []
        : [
            `notifications over ${c.name} fail, first ${ago(c.failingSinceMs, atMs)}, ${c.waiting} wait: ${c.lastError ?? ''}`,
          ],
    ),
    `the loop was late by at most ${d.worstLatenessMs} ms in the last minute`,
  ]
  for (const s of services) {
    lines.push(
      `${s.name} ${s.id} ${s.scheduler}${s.inKernel ? '' : ' NOT IN THE KERNEL'}${s.sorry ? ' (sorry server stands in)' : ''}`,
    )
    for (const r of s.realServers) {
      const drain = r.drain ? (r.drain.out ? ', drained' : `, draining (${r.drain.connections} connections left)`) : ''
      const own = r.operatorWeight === undefined ? '' : ` (set by an operator)`
      const slow = r.slowStart ? ', slow start' : ''
      const error = r.health === 'down' && r.lastError ? `: ${r.lastError}` : ''
      lines.push(
        `  ${r.name} ${r.address}:${r.port} ${r.health}, weight ${r.weightKernel ?? '-'}${own}${drain}${slow}, ${r.activeConnections} active, checked ${ago(r.lastCheckAtMs, atMs)}${error}`,
      )
    }
  }
  return lines.join('\n')
}

function stagedText(staged: Staged): string {
  const lines = staged.problems.map((p) => `${p.severity}: ${p.line === undefined ? '' : `line ${p.line}: `}${p.says}`)
  lines.push(
    staged.sound ? `staged: config ${staged.generation}, digest ${staged.digest}` : 'not staged: the file is not sound',
  )
  return lines.join('\n')
}

async function fileOf(name: string): Promise<string> {
  try {
    return name === '-' ? await textOf(process.stdin) : await readFile(name, 'utf8')
  } catch (error) {
    throw new NotTried(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A page of the agent over HTTP on its socket. */
function page(socketPath: string, at: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(
      { socketPath, path: at, headers: { Connection: 'close' }, timeout: answerLimitMs },
      (response) => {
        textOf(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
      },
    )
    request.on('timeout', () =>
      request.destroy(new Error(`The agent gave no answer within ${answerLimitMs / 1_000} s.`)),
    )
    request.on('error', (error) => reject(noAgent(error)))
  })
}

interface Words {
  readonly plain: readonly string[]
  readonly json: boolean
  readonly confirmWithin?: string
}

/** Sorts the words after the command; an unknown option is not guessed at. */
function sorted(command: Command, args: readonly string[]): Words {
  const plain: string[] = []
  let json = false
  let confirmWithin: string | undefined
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ''
    if (word === '--json') json = true
    else if (command === 'commit' && word === '--confirm-within') confirmWithin = args[++at] ?? ''
    else if (command === 'commit' && word.startsWith('--confirm-within='))
      confirmWithin = word.slice(word.indexOf('=') + 1)
    else if (word.startsWith('--'))
      throw new NotTried(`${command} has no option ${word}; see shoal-agent ${command} --help`)
    else plain.push(word)
  }
  return { plain, json, ...(confirmWithin === undefined ? {} : { confirmWithin }) }
}

/** The words a command wants, each of them; anything else is told with its usage. */
function exactly(command: Command, words: readonly string[], count: number): readonly string[] {
  if (words.length !== count) throw new NotTried(pageOf(command))
  return words
}

async function carryOut(
  command: Exclude<Command, 'run'>,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { say, socketPath } = terminal
  const { plain, json, confirmWithin } = sorted(command, args)
  const order = async (what: Order): Promise<number> => {
    await asked(socketPath, { ask: 'order', order: what })
    if (json) say(JSON.stringify({ done: true }))
    return 0
  }
  const wants = (count: number): readonly string[] => exactly(command, plain, count)
  switch (command) {
    case 'status': {
      wants(0)
      const { message, parts } = await asked(socketPath, { ask: 'watch' })
      if (!('snapshot' in message)) throw new NotTried('The agent gave no status.')
      const snapshot = { ...message.snapshot, services: [...parts, ...message.snapshot.services] }
      say(json ? JSON.stringify(snapshot, null, 2) : statusText(snapshot))
      return 0
    }
    case 'events': {
      const [count = String(defaultEvents)] = plain
      if (plain.length > 1 || !/^[1-9]\d{0,5}$/.test(count)) throw new NotTried(pageOf(command))
      const limit = Math.min(maxEvents, Number(count))
      const { message } = await asked(socketPath, { ask: 'journal', limit })
      if (!('journal' in message)) throw new NotTried('The agent gave no journal.')
      for (const entry of message.journal)
        say(
          json ? JSON.stringify(entry) : `${new Date(entry.atMs).toISOString()} ${entry.director} ${tell(entry.event)}`,
        )
      return 0
    }
    case 'health': {
      wants(0)
      const { body } = await page(socketPath, '/health')
      const told = JSON.parse(body) as { healthy: boolean; because: string[]; director: string; role: string }
      if (json) say(body.trim())
      else
        say(
          [`${told.director} is ${told.role}, ${told.healthy ? 'healthy' : 'not healthy'}`, ...told.because].join(
            '\n  ',
          ),
        )
      return told.healthy ? 0 : 1
    }
    case 'metrics': {
      wants(0)
      const { status, body } = await page(socketPath, '/metrics')
      if (status !== 200) throw new NotTried(`The agent answered ${status}.`)
      say(body.trimEnd())
      return 0
    }
    case 'handover':
      wants(0)
      return order({ kind: 'hand-over', by: by() })
    case 'reload':
      wants(0)
      return order({ kind: 'reload', by: by() })
    case 'drain':
    case 'undrain': {
      const [service = '', server = ''] = wants(2)
      return order({ kind: command, service, server, by: by() })
    }
    case 'weight': {
      const [service = '', server = '', weight = ''] = wants(3)
      if (weight !== 'default' && !/^\d{1,5}$/.test(weight)) throw new NotTried(pageOf(command))
      return order({ kind: 'weight', service, server, weight: weight === 'default' ? null : Number(weight), by: by() })
    }
    case 'check-config': {
      const [file = ''] = wants(1)
      const { config, problems } = check(await fileOf(file))
      const runs = config !== undefined && !problems.some((p) => p.severity === 'block')
      if (json) say(JSON.stringify({ runs, problems }, null, 2))
      else for (const p of problems) say(`${p.severity}: ${problemLine(p)}`)
      return runs ? 0 : 1
    }
    case 'stage': {
      const [file = ''] = wants(1)
      const text = await fileOf(file)
      const line = converse(socketPath)
      try {
        let at = 0
        for (; text.length - at > maxStageChars; at += maxStageChars) {
          const part = text.slice(at, at + maxStageChars)
          await line.ask({ ask: 'order', order: { kind: 'stage', text: part, more: true, by: by() } })
        }
        const { message } = await line.ask({ ask: 'order', order: { kind: 'stage', text: text.slice(at), by: by() } })
        if (!('staged' in message)) throw new NotTried('The agent gave an answer that is not understood.')
        say(json ? JSON.stringify(message.staged, null, 2) : stagedText(message.staged))
        return message.staged.sound ? 0 : 1
      } finally {
        line.end()
      }
    }
    case 'commit': {
      const [digest = ''] = wants(1)
      if (confirmWithin === undefined) return order({ kind: 'commit', digest, by: by() })
      const withinMs = Number(confirmWithin) * 1_000
      const { least, most } = confirmLimitsMs
      if (!Number.isInteger(withinMs) || withinMs < least || withinMs > most)
        throw new NotTried(`--confirm-within wants ${least / 1_000} to ${most / 1_000} seconds.`)
      return order({ kind: 'commit', digest, confirmWithinMs: withinMs, by: by() })
    }
    case 'confirm': {
      const [digest = ''] = wants(1)
      return order({ kind: 'confirm', digest, by: by() })
    }
    case 'revert':
      wants(0)
      return order({ kind: 'revert', by: by() })
    case 'release':
      wants(0)
      return release(terminal)
  }
}

/** Takes down what an agent that no longer runs has left. Refused while one runs: it would put everything back. */
async function release({ say, socketPath, folder }: Terminal): Promise<number> {
  const running = await asked(socketPath, { ask: 'hello', protocol: agentProtocol }).then(
    () => true,
    (error: unknown) => error instanceof Refused,
  )
  if (running) throw new Refused('The agent runs; stop it first (systemctl stop shoal-agent).')
  const heldFile = path.join(places.runDir, 'held')
  const held = parseHeld(await readFile(heldFile, 'utf8').catch(() => ''))
  const opened = openKernel(process.env.SHOAL_KOFFI ?? folder)
  const addresses = openAddresses('kernel' in opened ? opened.kernel : null, heldFile, held)
  const results = await addresses.change(held.map((h) => ({ ...h, do: 'remove' as const })))
  for (const r of results) say(`${r.change.address} on ${r.change.device}: ${r.failed ?? 'removed'}`)
  let owned: unknown = []
  try {
    owned = JSON.parse(await readFile(path.join(places.runDir, 'owned.json'), 'utf8'))
  } catch {
    // Nothing was made since the last boot.
  }
  const keys = Array.isArray(owned) ? owned.filter((k): k is string => typeof k === 'string') : []
  let failures = results.filter((r) => r.failed !== undefined).length
  const looked = keys.length > 0 ? await readTable() : { says: '', absent: true }
  const there = 'table' in looked ? keys.filter((key) => looked.table.has(key)) : []
  const refused = await applyBatch(there.map((key) => dropService(key).command))
  const after = there.length > 0 ? await readTable() : looked
  for (const key of there) {
    const isLeft = 'table' in after && after.table.has(key)
    if (isLeft) failures++
    say(`${key}: ${isLeft ? refused.join('; ') : 'removed'}`)
  }
  const left = [
    ...(await openAround(places.runDir).release()),
    ...(await openConnections(places.runDir, null).release()),
  ]
  for (const failed of left) {
    failures++
    say(failed)
  }
  return failures > 0 ? 1 : 0
}

/** Carries out one command line; answers the exit code. */
export async function runConsole(args: readonly string[], terminal: Terminal): Promise<number> {
  const [word = '--help', ...rest] = args
  if (word === '--version') {
    terminal.say(terminal.version)
    return 0
  }
  if (word === '--help' || word === '-h' || word === 'help') {
    const [about] = rest
    terminal.say(about !== undefined && isCommand(about) ? pageOf(about) : overview(terminal.version))
    return 0
  }
  if (!isCommand(word) || word === 'run') {
    terminal.complain(`There is no ${word}; see shoal-agent --help`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.say(pageOf(word))
    return 0
  }
  try {
    return await carryOut(word, rest, terminal)
  } catch (error) {
    terminal.complain(error instanceof Error ? error.message : String(error))
    return error instanceof Refused ? 1 : 2
  }
}
