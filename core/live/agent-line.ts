/**
 * The conversation with one agent over the socket that SSH forwards: lines of JSON, requests answered by id, reports pushed after
 * `watch`. What comes is data from another machine: it is bounded and validated here, and a line that does not fit ends the
 * conversation.
 */
import type { Duplex } from 'node:stream'
import { agentMessageSchema, agentProtocol, agentSocketPath, maxLineBytes } from '../../domain/contract/agent.ts'
import type {
  AgentMessage,
  AgentRequest,
  Hello,
  JournalEntry,
  Order,
  Report,
  Snapshot,
} from '../../domain/contract/agent.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { quote } from '../provision/shell.ts'
import type { Session } from '../ssh/session.ts'

type Asking = AgentRequest extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never

export interface AgentLine {
  hello(): Promise<Result<Hello>>
  watch(): Promise<Result<Snapshot>>
  journal(afterMs: number | undefined, limit: number): Promise<Result<readonly JournalEntry[]>>
  order(order: Order): Promise<Result<null>>
  /** Reports after `watch`; set before asking for it. */
  onReport: (report: Report) => void
  /** When anything was last heard, in monotonic ms of this process. */
  readonly heardAtMs: () => number
  /** Resolves with the reason when the conversation is over. */
  readonly ended: Promise<Problem>
  close(): void
}

const answerTimeoutMs = 5_000

/** Starts the conversation on an open stream; nothing is asked yet. */
function talkToAgent(stream: Duplex, hostId: string, address: string): AgentLine {
  const where = { kind: 'host', host: hostId } as const
  const waiting = new Map<number, (answer: Result<AgentMessage>) => void>()
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
      conversation.onReport(message.report)
      return
    }
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
    const answer = await new Promise<Result<AgentMessage>>((resolve) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        resolve(failed(problem('agent-silent', { host: address, seconds: answerTimeoutMs / 1000 }, where)))
      }, answerTimeoutMs)
      waiting.set(id, (result) => {
        clearTimeout(timer)
        resolve(result)
      })
      stream.write(`${JSON.stringify({ ...asking, id })}\n`)
    })
    if (!answer.ok) return answer
    if ('refused' in answer.value) {
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
    watch: () => ask({ ask: 'watch' }, (message) => ('snapshot' in message ? message.snapshot : undefined)),
    journal: (afterMs, limit) =>
      ask({ ask: 'journal', limit, ...(afterMs === undefined ? {} : { afterMs }) }, (message) =>
        'journal' in message ? message.journal : undefined,
      ),
    order: (order) => ask({ ask: 'order', order }, (message) => ('done' in message ? null : undefined)),
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
  if (state !== 'open') {
    return failed(
      problem('agent-absent', { host: address, reason: `shoal-agent is ${unit || 'not installed'}` }, where),
    )
  }
  const stream = await session.openSocket(agentSocketPath)
  if (!stream.ok) return stream
  const line = talkToAgent(stream.value, id, address)
  const hello = await line.hello()
  if (hello.ok) return ok({ line, hello: hello.value })
  line.close()
  return hello
}
