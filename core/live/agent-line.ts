/**
 * The conversation with one agent over the socket that SSH forwards: lines of JSON, requests answered by id, reports pushed after
 * `watch`. What comes is data from another machine: it is bounded and validated here, and a line that does not fit ends the
 * conversation.
 */
import type { Duplex } from 'node:stream'
import {
  agentMessageSchema,
  agentProtocol,
  agentSocketPath,
  maxLineBytes,
  maxServices,
  maxStageChars,
} from '../../domain/contract/agent.ts'
import type {
  AgentMessage,
  AgentRequest,
  DirectorReport,
  Hello,
  JournalEntry,
  Order,
  Report,
  ServiceReport,
  Snapshot,
  Staged,
} from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { ChannelDraft, NotifyView, Tested } from '../../domain/notify.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { DirectorDraft } from '../../domain/cluster.ts'
import { quote } from '../provision/shell.ts'
import type { Hosts } from '../ssh/hosts.ts'
import type { Session } from '../ssh/session.ts'

type Asking = AgentRequest extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never

export interface AgentLine {
  hello(): Promise<Result<Hello>>
  watch(): Promise<Result<Snapshot>>
  journal(afterMs: number | undefined, limit: number): Promise<Result<readonly JournalEntry[]>>
  order(order: Order): Promise<Result<null>>
  /** Has the director check an lvs.cf and keep it beside the one in force; long texts go in parts. */
  stage(text: string, by: string): Promise<Result<Staged>>
  /** The channels of its notifications, without their secrets. */
  notify(): Promise<Result<NotifyView>>
  /** Other channels; secrets that are not given are kept. */
  setNotify(cluster: string, channels: readonly ChannelDraft[], by: string): Promise<Result<NotifyView>>
  /** Sends a test over a channel now. */
  testNotify(channel: string): Promise<Result<Tested>>
  /** Reports after `watch`; set before asking for it. */
  onReport: (report: Report) => void
  /** When anything was last heard, in monotonic ms of this process. */
  readonly heardAtMs: () => number
  /** Resolves with the reason when the conversation is over. */
  readonly ended: Promise<Problem>
  close(): void
}

/** The way to the agents of a cluster: over SSH, or within this program for a simulated one. */
export interface AgentDoor {
  open(host: DirectorDraft): Promise<Result<{ readonly line: AgentLine; readonly hello: Hello }>>
  /** What leads to this director answers no more: the next `open` starts anew. */
  giveUp(host: DirectorDraft): void
}

const answerTimeoutMs = 5_000
/** Orders end when they are carried out: a large file is checked and applied first. A test waits for a mail server, for half a minute. */
const longTimeoutMs = 60_000
const takeTime: ReadonlySet<Asking['ask']> = new Set(['order', 'notify-set', 'notify-test'])
/** What an agent that does not know a request answers. */
const unknownThere = 'This request is not known here.'

/** Starts the conversation on an open stream; nothing is asked yet. */
function talkToAgent(stream: Duplex, hostId: string, address: string): AgentLine {
  const where = { kind: 'host', host: hostId } as const
  const waiting = new Map<number, (answer: Result<AgentMessage>) => void>()
  /** The list of virtual IPs as it was last told. */
  let virtualIps: DirectorReport['virtualIps'] = []
  /** The parts of a snapshot that has not ended yet. */
  let parts: ServiceReport[] = []
  let nextId = 1
  let heardAtMs = performance.now()
  let over: Problem | undefined
  let endedBy: (reason: Problem) => void
  const ended = new Promise<Problem>((resolve) => {
    endedBy = resolve
  })

  function end(reason: Problem): void {
    if (over) return
    over = reason
    for (const answer of waiting.values()) answer(failed(reason))
    waiting.clear()
    stream.destroy()
    endedBy(reason)
  }

  function take(line: string): void {
    let message: AgentMessage
    try {
      const read = agentMessageSchema.safeParse(JSON.parse(line))
      if (!read.success) {
        const issue = read.error.issues[0]
        const reason = `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim().slice(0, 200)
        end(problem('agent-unreadable', { host: address, reason }, where))
        return
      }
      message = read.data
    } catch {
      end(problem('agent-unreadable', { host: address, reason: 'not JSON' }, where))
      return
    }
    heardAtMs = performance.now()
    if ('report' in message) {
      const { director, ...rest } = message.report
      if (director?.virtualIps) ({ virtualIps } = director)
      conversation.onReport({ ...rest, ...(director ? { director: { ...director, virtualIps } } : {}) })
      return
    }
    if ('part' in message) {
      parts.push(...message.part)
      if (parts.length > maxServices)
        end(problem('agent-unreadable', { host: address, reason: 'too many virtual servers' }, where))
      return
    }
    if ('snapshot' in message) ({ virtualIps } = message.snapshot.director)
    const answer = waiting.get(message.id)
    waiting.delete(message.id)
    answer?.(ok(message))
  }

  let rest: Buffer[] = []
  let restBytes = 0
  stream.on('data', (chunk: Buffer | string) => {
    let bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    for (let at = bytes.indexOf(10); at >= 0 && !over; at = bytes.indexOf(10)) {
      const line = Buffer.concat([...rest, bytes.subarray(0, at)]).toString('utf8')
      rest = []
      restBytes = 0
      bytes = bytes.subarray(at + 1)
      if (line.trim() !== '') take(line)
    }
    rest.push(bytes)
    restBytes += bytes.length
    if (restBytes > maxLineBytes) end(problem('agent-unreadable', { host: address, reason: 'line too long' }, where))
  })
  const lost = (reason: string): void => {
    end(problem('agent-absent', { host: address, reason }, where))
  }
  stream.on('error', (error: Error) => {
    lost(error.message)
  })
  stream.on('close', () => {
    lost('it closed the connection')
  })
  stream.on('end', () => {
    lost('it closed the connection')
  })

  async function ask<T>(asking: Asking, pick: (message: AgentMessage) => T | undefined): Promise<Result<T>> {
    if (over) return failed(over)
    const id = nextId++
    const timeoutMs = takeTime.has(asking.ask) ? longTimeoutMs : answerTimeoutMs
    const answer = await new Promise<Result<AgentMessage>>((resolve) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        resolve(failed(problem('agent-silent', { host: address, seconds: timeoutMs / 1000 }, where)))
      }, timeoutMs)
      waiting.set(id, (result) => {
        clearTimeout(timer)
        resolve(result)
      })
      stream.write(`${JSON.stringify({ ...asking, id })}\n`)
    })
    if (!answer.ok) return answer
    if ('refused' in answer.value) {
      if (asking.ask.startsWith('notify') && answer.value.refused === unknownThere)
        return failed(problem('notify-unknown-there', { host: address }, where))
      return failed(problem('agent-refused', { host: address, reason: answer.value.refused }, where))
    }
    const picked = pick(answer.value)
    if (picked !== undefined) return ok(picked)
    return failed(problem('agent-unreadable', { host: address, reason: `answer to ${asking.ask}` }, where))
  }

  const conversation: AgentLine = {
    async hello() {
      const hello = await ask({ ask: 'hello', protocol: agentProtocol }, (message) =>
        'hello' in message ? message.hello : undefined,
      )
      if (!hello.ok || hello.value.protocol === agentProtocol) return hello
      const detail = { host: address, theirs: hello.value.protocol, ours: agentProtocol }
      return failed(problem('agent-other-protocol', detail, where))
    },
    watch() {
      parts = []
      return ask({ ask: 'watch' }, (message) =>
        'snapshot' in message ? { ...message.snapshot, services: [...parts, ...message.snapshot.services] } : undefined,
      )
    },
    journal: (afterMs, limit) =>
      ask({ ask: 'journal', limit, ...(afterMs === undefined ? {} : { afterMs }) }, (message) =>
        'journal' in message ? message.journal : undefined,
      ),
    order: (order) => ask({ ask: 'order', order }, (message) => ('done' in message ? null : undefined)),
    async stage(text, by) {
      let rest = text
      while (rest.length > maxStageChars) {
        const order = { kind: 'stage', text: rest.slice(0, maxStageChars), more: true, by } as const
        const taken = await conversation.order(order)
        if (!taken.ok) return taken
        rest = rest.slice(maxStageChars)
      }
      return ask({ ask: 'order', order: { kind: 'stage', text: rest, by } }, (message) =>
        'staged' in message ? message.staged : undefined,
      )
    },
    notify: () => ask({ ask: 'notify' }, (message) => ('notify' in message ? message.notify : undefined)),
    setNotify: (cluster, channels, by) =>
      ask({ ask: 'notify-set', cluster, channels: [...channels], by }, (message) =>
        'notify' in message ? message.notify : undefined,
      ),
    testNotify: (channel) =>
      ask({ ask: 'notify-test', channel }, (message) => ('tested' in message ? message.tested : undefined)),
    onReport: () => undefined,
    heardAtMs: () => heardAtMs,
    ended,
    close() {
      end(problem('agent-absent', { host: address, reason: 'closed here' }, where))
    },
  }
  return conversation
}

/**
 * Opens the agent's socket through a session and says hello. Asks the host first whether the socket is there and may be opened,
 * because a refused forward says the same for both.
 */
export async function openAgentLine(
  session: Session,
): Promise<Result<{ readonly line: AgentLine; readonly hello: Hello }>> {
  const { address, id, user } = session.target
  const where = { kind: 'host', host: id } as const
  const path = quote(agentSocketPath)
  const looked = await session.script(
    `if [ ! -S ${path} ]; then echo absent; systemctl is-active shoal-agent 2>&1; elif [ -w ${path} ]; then echo open; else echo closed; fi; exit 0`,
    { as: 'user', timeoutMs: answerTimeoutMs },
  )
  if (!looked.ok) return looked
  const [state = '', unit = ''] = looked.value.out.trim().split('\n')
  if (state === 'closed') return failed(problem('agent-forbidden', { host: address, user }, where))
  const absent = (what: string): Result<never> =>
    failed(problem('agent-absent', { host: address, reason: `shoal-agent is ${what}` }, where))
  if (state !== 'open') return absent(unit || 'not installed')
  let stream = await session.openSocket(agentSocketPath)
  if (!stream.ok) {
    if (await isLeftBehind(session)) return absent('not listening')
    // By now somebody listens: the next agent, perhaps, since the first try.
    stream = await session.openSocket(agentSocketPath)
  }
  if (!stream.ok) return stream
  const line = talkToAgent(stream.value, id, address)
  const hello = await line.hello()
  if (hello.ok) return ok({ line, hello: hello.value })
  line.close()
  return hello
}

/** Whether the socket is what an agent that was killed has left, with nobody behind it: the next one listens in a moment. */
async function isLeftBehind(session: Session): Promise<boolean> {
  // The kernel's list of sockets: flags 00010000 are those of one that listens.
  const looked = await session.script(
    `if [ -r /proc/net/unix ] && ! grep -q ' 00010000 .* '${quote(agentSocketPath)}'$' /proc/net/unix; then echo left; fi; exit 0`,
    { as: 'user', timeoutMs: answerTimeoutMs },
  )
  return looked.ok && looked.value.out.trim() === 'left'
}

/** The way over SSH. */
export function sshDoor(hosts: Hosts): AgentDoor {
  return {
    async open(host) {
      const session = await hosts.session(host)
      if (!session.ok) return session
      const opened = await openAgentLine(session.value)
      // A session over a connection whose other end is gone answers nothing; the next try makes its own.
      if (!opened.ok && opened.problems.some(({ code }) => code === 'command-timeout' || code === 'agent-silent'))
        hosts.dropUnlessWorking(host)
      return opened
    },
    giveUp: (host) => hosts.dropUnlessWorking(host),
  }
}
