/**
 * A live cluster of any size for measuring the screen: two agents that report as real ones would (every check, every connection
 * counted), given to the real watch of the core, which tells the window of it. No host is needed.
 */
import type { ClusterDraft } from '../../domain/cluster.ts'
import { newClusterDraft } from '../../domain/cluster-lvscf.ts'
import { agentProtocol } from '../../domain/contract/agent.ts'
import type { DirectorReport, ServiceReport } from '../../domain/contract/agent.ts'
import { ok } from '../../domain/problem.ts'
import type { AgentDoor, AgentLine } from '../../core/live/agent-line.ts'
import { chance } from './chance.ts'

/** Every check once per interval, so in half a second a quarter of all servers has a new result, and traffic touches most. */
const reportMs = 500
const checkEvery = 4
const recentMost = 60

export interface Size {
  readonly services: number
  readonly servers: number
}

const nameOf = (number: number): string => `web-${String(number + 1).padStart(4, '0')}`

function service(number: number, { servers }: Size, nowMs: number): ServiceReport {
  const address = `10.${20 + Math.floor(number / 250)}.${number % 250}.1`
  return {
    id: `tcp ${address}:80`,
    name: nameOf(number),
    address,
    port: 80,
    protocol: 'tcp',
    scheduler: 'wlc',
    inKernel: true,
    sorry: false,
    realServers: Array.from({ length: servers }, (_, at) => ({
      name: `rs${at + 1}`,
      address: `10.9.${at}.${(number % 250) + 1}`,
      port: 80,
      health: 'up',
      healthSinceMs: nowMs - 3_600_000,
      lastCheckAtMs: nowMs,
      lastCheckMs: 1.4,
      recent: '1'.repeat(recentMost),
      weightWanted: 1,
      weightKernel: 1,
      activeConnections: 10,
      inactiveConnections: 20,
      connections: 1_000,
      packetsIn: 10_000,
      bytesIn: 1_000_000,
    })),
  }
}

export const benchDraft = (): ClusterDraft => {
  const draft = newClusterDraft('large')
  const [first, second] = draft.directors
  return {
    ...draft,
    name: 'large',
    directors: [
      { ...first, address: '10.0.0.1' },
      { ...second, address: '10.0.0.2' },
    ],
  }
}

/** The way to two agents that report about a cluster of this size. `stop` ends their reports. */
export function syntheticDoor(size: Size): { readonly door: AgentDoor; readonly stop: () => void } {
  const timers = new Set<NodeJS.Timeout>()
  const random = chance(11)

  function director(name: string): DirectorReport {
    const active = name === 'lvs1'
    const path = (of: string) => ({
      name: of,
      local: '10.0.0.1',
      remote: '10.0.0.2',
      state: 'heard' as const,
      lastHeardAtMs: Date.now(),
      lossPercent: 0,
      worstGapMs: 110 + random.between(0, 40),
      delayMs: 0.5 + random.next(),
      refused: 0,
    })
    return {
      director: name,
      version: '0',
      bootId: '1',
      role: active ? 'active' : 'standby',
      roleSinceMs: 0,
      term: 1,
      unfitBecause: [],
      configDigest: 'd',
      generation: 1,
      peer: { known: true, alive: true, role: active ? 'standby' : 'active', paths: [path('public'), path('private')] },
      virtualIps: [],
      kernel: { observedAtMs: Date.now(), drift: [] },
      worstLatenessMs: 3,
    }
  }

  function openLine(name: string): AgentLine {
    let services = Array.from({ length: size.services }, (_, number) => service(number, size, Date.now()))
    let seq = 1
    let heardAtMs = performance.now()
    let turn = 0
    let end: (reason: never) => void = () => undefined
    const active = name === 'lvs1'
    const line: AgentLine = {
      notify: async () => ok({ cluster: '', channels: [] }),
      setNotify: async () => ok({ cluster: '', channels: [] }),
      testNotify: async () => ok({ passed: false, says: '', tookMs: 0 }),
      hello: async () =>
        ok({ protocol: agentProtocol, version: '0', director: name, bootId: '1', configDigest: 'd', generation: 1 }),
      async watch() {
        const timer = setInterval(() => {
          const atMs = Date.now()
          turn += 1
          services = services.map((one, number) => ({
            ...one,
            realServers: one.realServers.map((server, at) => ({
              ...server,
              ...((number + at + turn) % checkEvery === 0
                ? {
                    lastCheckAtMs: atMs,
                    lastCheckMs: 1 + random.between(0, 5),
                    recent: `${server.recent.slice(1)}${random.next() < 0.002 ? '0' : '1'}`,
                  }
                : {}),
              ...(active
                ? {
                    activeConnections: random.between(0, 40),
                    connections: server.connections + random.between(0, 30),
                    packetsIn: server.packetsIn + random.between(0, 300),
                    bytesIn: server.bytesIn + random.between(0, 30_000),
                  }
                : {}),
            })),
          }))
          seq += 1
          heardAtMs = performance.now()
          line.onReport({ seq, atMs, director: director(name), services })
        }, reportMs)
        timers.add(timer)
        return ok({ seq, atMs: Date.now(), director: director(name), services })
      },
      journal: async () => ok([]),
      order: async () => ok(null),
      stage: () => Promise.reject(new Error('not here')),
      onReport: () => undefined,
      heardAtMs: () => heardAtMs,
      ended: new Promise((resolve) => (end = resolve as typeof end)),
      close: () => end(undefined as never),
    }
    return line
  }

  return {
    door: {
      async open(host) {
        const line = openLine(host.name)
        const hello = await line.hello()
        return hello.ok ? ok({ line, hello: hello.value }) : hello
      },
      giveUp: () => undefined,
    },
    stop: () => {
      for (const timer of timers) clearInterval(timer)
    },
  }
}
