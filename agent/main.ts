/**
 * The agent's program. `run` is the daemon; the other words are for an administrator at a director's console and for provisioning.
 * Exit codes: 0 done, 1 refused or problems found, 2 could not be tried.
 */
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  agentMessageSchema,
  agentProtocol,
  agentSocketPath,
  type AgentMessage,
  type AgentRequest,
  type Snapshot,
} from '../domain/contract/agent.ts'
import { check } from '../domain/lvscf/check.ts'
import { openAddresses } from './effects/addresses.ts'
import { problemLine, readConfiguration } from './effects/configured.ts'
import { openControl, type Control } from './effects/control.ts'
import { startGuard } from './effects/guard.ts'
import { openJournal } from './effects/journal.ts'
import { openKernel } from './effects/kernel.ts'
import { begin, ended, parseHeld, places } from './effects/remembered.ts'
import { applyBatch } from './effects/table.ts'
import { openWire } from './effects/wire.ts'
import { serviceOption } from './director/ipvs.ts'
import { tell } from './director/story.ts'
import { startLoop, type Loop } from './loop.ts'

declare const __SHOAL_AGENT_VERSION__: string | undefined
const version = typeof __SHOAL_AGENT_VERSION__ === 'string' ? __SHOAL_AGENT_VERSION__ : 'development'

const help = `shoal-agent ${version}: the daemon of a Shoal director.

  shoal-agent run                  be the daemon (systemd starts it)
  shoal-agent status [--json]      role, peer, virtual servers and real servers as they are now
  shoal-agent events [--json] [N]  the newest N entries of the journal (50)
  shoal-agent handover             hand the service over to the standby, make before break
  shoal-agent reload               read lvs.cf again
  shoal-agent check-config FILE    say whether FILE could be run; exit 1 when not
  shoal-agent release              take down the virtual IPs and IPVS services the agent left, when it does not run
  shoal-agent --version
`

/** Real-time priority of the main thread: above ordinary load, below the kernel's own threads. */
const realTimePriority = 10
/** The watchdog is fed at least this many times per period. */
const feedsPerPeriod = 4
/** An answer of a running agent is waited for this long. */
const answerLimitMs = 15_000

/** The folder of this program (the bundle is CommonJS; in development it is a module). */
const here = typeof __dirname === 'string' ? __dirname : path.dirname(process.argv[1] ?? '.')

function socketPath(): string {
  return process.env.SHOAL_RUN ? path.join(places.runDir, 'agent.sock') : agentSocketPath
}

async function run(): Promise<void> {
  const name = hostname()
  const remembered = await begin(places, Date.now())
  const opened = openKernel(process.env.SHOAL_KOFFI ?? here)
  const kernel = 'kernel' in opened ? opened.kernel : null
  const log = (line: string): void => void process.stdout.write(`${line}\n`)
  const early: string[] = []
  if ('missing' in opened)
    early.push(
      `The native part cannot be loaded (${opened.missing}); addresses are set with ip, announced with arping.`,
    )
  const journal = await openJournal(path.join(places.stateDir, 'journal.jsonl'), name, String(remembered.boot), log)
  startGuard(here, places.runDir, log)
  const notifySocket = process.env.NOTIFY_SOCKET
  const watchdogMs = Number(process.env.WATCHDOG_USEC ?? 0) / 1000
  let fedMs = 0
  let said = false

  let control: Control | null = null
  let reading: Promise<void> = Promise.resolve()
  const reread = (): void => {
    reading = reading.then(async () => {
      const { input, key } = await readConfiguration(places.lvscf, places.clusterKey)
      wire.setKey(key)
      loop.give(input)
    })
  }
  const wire = openWire({
    heard: (path_, beat) => loop.give({ kind: 'heard', path: path_, beat }),
    refused: (path_, why) => loop.give({ kind: 'refused', path: path_, why }),
    listened: (path_, says) => loop.give({ kind: 'listened', path: path_, ...(says === undefined ? {} : { says }) }),
  })
  const loop: Loop = startLoop(
    {
      name,
      version,
      boot: remembered.boot,
      term: remembered.term,
      peerBoot: remembered.peerBoot,
      owned: remembered.owned,
      held: remembered.held.map((h) => ({ address: h.address, device: h.device, prefix: h.prefix })),
    },
    places,
    {
      addresses: openAddresses(kernel, path.join(places.runDir, 'held'), remembered.held),
      wire,
      journal,
      report: (entries) => control?.report(entries),
      reread,
      log,
      exit: () => {
        void (async () => {
          wire.close()
          await journal.close()
          await ended(places)
          await control?.close()
          process.exit(0)
        })()
      },
      alive: () => {
        if (!kernel || !notifySocket || !said) return
        const nowMs = performance.now()
        if (watchdogMs > 0 && nowMs - fedMs >= watchdogMs / feedsPerPeriod) {
          fedMs = nowMs
          kernel.notify(notifySocket, 'WATCHDOG=1')
        }
      },
    },
  )

  const order = (kind: 'stop'): void => void loop.order({ kind, by: 'SIGTERM' })
  process.on('SIGTERM', () => order('stop'))
  process.on('SIGINT', () => order('stop'))
  process.on('SIGHUP', reread)

  const startedEvent = { kind: 'started', version, after: remembered.after } as const
  journal.write(startedEvent, Date.now())
  log(tell(startedEvent))
  for (const says of early) {
    journal.write({ kind: 'trouble', says }, Date.now())
    log(says)
  }
  control = await openControl(socketPath(), places.group, {
    hello: () => {
      const state = loop.state()
      return {
        protocol: agentProtocol,
        version,
        director: name,
        bootId: String(remembered.boot),
        configDigest: state.digest,
        generation: state.config?.serialNo ?? 0,
      }
    },
    director: loop.director,
    services: loop.services,
    journal: journal.since,
    order: loop.order,
    wallMs: () => Math.round(loop.now().wallMs),
    watchers: (watchers) => loop.give({ kind: 'watched', watchers }),
  })
  reread()
  await reading
  said = true
  if (kernel && notifySocket) kernel.notify(notifySocket, 'READY=1')
  // Only now: a program that is still being compiled would, on a host with one processor, keep the network from its own packets.
  const refused = kernel?.realTime(realTimePriority)
  if (refused) {
    const says = `Real-time scheduling is not granted: ${refused}.`
    journal.write({ kind: 'trouble', says }, Date.now())
    log(says)
  }
}

/** Asks the running agent and gives the first answer with this id. */
function ask(request: AgentRequest): Promise<AgentMessage> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath())
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the agent gave no answer within ${answerLimitMs} ms`))
    }, answerLimitMs)
    let text = ''
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
      const line = text.split('\n')[0]
      if (line === undefined || !text.includes('\n')) return
      clearTimeout(timer)
      socket.destroy()
      const message = agentMessageSchema.safeParse(JSON.parse(line))
      if (message.success) resolve(message.data)
      else reject(new Error('the agent gave an answer that is not understood'))
    })
    socket.on('error', (error: Error & { code?: string }) => {
      clearTimeout(timer)
      reject(
        new Error(
          error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
            ? 'The agent does not run on this host.'
            : error.code === 'EACCES'
              ? `The socket may be used by root and the group ${places.group} only.`
              : error.message,
        ),
      )
    })
  })
}

function ago(atMs: number | undefined, nowMs: number): string {
  if (atMs === undefined) return 'never'
  const s = Math.max(0, Math.round((nowMs - atMs) / 1000))
  return s < 120 ? `${s} s ago` : s < 7_200 ? `${Math.round(s / 60)} min ago` : `${Math.round(s / 3_600)} h ago`
}

function statusText({ director: d, services, atMs }: Snapshot): string {
  const lines = [
    `${d.director} is ${d.role} since ${new Date(d.roleSinceMs).toISOString()} (term ${d.term}), config ${d.generation} (${d.configDigest.slice(0, 12)})`,
    ...d.unfitBecause.map((r) => `  cannot serve: ${r}`),
    d.peer.known
      ? `peer is ${d.peer.alive ? (d.peer.role ?? 'heard') : 'not heard'}`
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
  ]
  for (const s of services) {
    lines.push(
      `${s.name} ${s.id} ${s.scheduler}${s.inKernel ? '' : ' NOT IN THE KERNEL'}${s.sorry ? ' (sorry server stands in)' : ''}`,
    )
    for (const r of s.realServers)
      lines.push(
        `  ${r.name} ${r.address}:${r.port} ${r.health}, weight ${r.weightKernel ?? '-'}, ${r.activeConnections} active, checked ${ago(r.lastCheckAtMs, atMs)}${r.health === 'down' && r.lastError ? `: ${r.lastError}` : ''}`,
      )
  }
  return lines.join('\n')
}

function refusedOf(message: AgentMessage): string | undefined {
  return 'refused' in message ? message.refused : undefined
}

async function main(): Promise<number> {
  const [word = 'help', ...rest] = process.argv.slice(2)
  const asJson = rest.includes('--json')
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  const complain = (text: string): void => void process.stderr.write(`${text}\n`)
  switch (word) {
    case 'run':
      await run()
      return -1
    case '--version':
      say(version)
      return 0
    case 'status': {
      const message = await ask({ id: 1, ask: 'watch' })
      if (!('snapshot' in message)) {
        complain(refusedOf(message) ?? 'no status')
        return 1
      }
      say(asJson ? JSON.stringify(message.snapshot, null, 2) : statusText(message.snapshot))
      return 0
    }
    case 'events': {
      const limit = Math.min(10_000, Math.max(1, Number(rest.find((r) => /^\d+$/.test(r)) ?? 50)))
      const message = await ask({ id: 1, ask: 'journal', limit })
      if (!('journal' in message)) {
        complain(refusedOf(message) ?? 'no journal')
        return 1
      }
      for (const entry of message.journal)
        say(
          asJson
            ? JSON.stringify(entry)
            : `${new Date(entry.atMs).toISOString()} ${entry.director} ${tell(entry.event)}`,
        )
      return 0
    }
    case 'handover':
    case 'reload': {
      const by = `console (${process.env.SUDO_USER ?? process.env.USER ?? 'root'})`
      const message = await ask({
        id: 1,
        ask: 'order',
        order: { kind: word === 'reload' ? 'reload' : 'hand-over', by },
      })
      const refused = refusedOf(message)
      if (refused !== undefined) complain(refused)
      return refused === undefined ? 0 : 1
    }
    case 'check-config': {
      const [file] = rest.filter((r) => !r.startsWith('--'))
      if (!file) {
        complain('check-config wants a file')
        return 2
      }
      let text: string
      try {
        text = await readFile(file, 'utf8')
      } catch (error) {
        complain(`${file}: ${error instanceof Error ? error.message : String(error)}`)
        return 2
      }
      const { config, problems } = check(text)
      const blocks = problems.filter((p) => p.severity === 'block')
      if (asJson) say(JSON.stringify({ runs: config !== undefined && blocks.length === 0, problems }, null, 2))
      else for (const p of problems) say(`${p.severity}: ${problemLine(p)}`)
      return config !== undefined && blocks.length === 0 ? 0 : 1
    }
    case 'release':
      return release(say, complain)
    default:
      say(help)
      return word === 'help' || word === '--help' || word === '-h' ? 0 : 2
  }
}

/** Takes down what an agent that no longer runs has left. Refused while one runs: it would put everything back. */
async function release(say: (text: string) => void, complain: (text: string) => void): Promise<number> {
  const running = await ask({ id: 1, ask: 'hello', protocol: agentProtocol }).then(
    () => true,
    () => false,
  )
  if (running) {
    complain('The agent runs; stop it first (systemctl stop shoal-agent).')
    return 1
  }
  const heldFile = path.join(places.runDir, 'held')
  const held = parseHeld(await readFile(heldFile, 'utf8').catch(() => ''))
  const opened = openKernel(process.env.SHOAL_KOFFI ?? here)
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
  for (const key of keys) {
    const [failed] = await applyBatch([`-D ${serviceOption(key)}`])
    say(`${key}: ${failed ?? 'removed'}`)
  }
  return results.some((r) => r.failed !== undefined) ? 1 : 0
}

main().then(
  (code) => {
    if (code >= 0) process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  },
)
