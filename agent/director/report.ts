/**
 * What a watcher is told: the director's own state and one entry per virtual server, made from the state alone. Entries are made
 * per service, so the control socket can send only those that changed.
 */
import type { DirectorReport, ServerReport, ServiceReport } from '../../domain/contract/agent.ts'
import { peerAlive } from './failover.ts'
import type { ServerState, ServiceState } from './health.ts'
import { reportPaths } from './heartbeat.ts'
import { wanted } from './ipvs.ts'
import { floating, hasPeer, interfaceOf, type State } from './state.ts'
import type { Counters, KernelService, Now } from './words.ts'

/** A report names at most so many differences. */
const driftLimit = 20

/** The director's own part of a report. */
export function directorReport(s: State, now: Now): DirectorReport {
  const toWall = (ms: number): number => Math.round(now.wallMs - (now.ms - ms))
  const { peer } = s.hearing
  const { addresses } = s.kernel
  return {
    director: s.self.name,
    version: s.self.version,
    bootId: String(s.self.boot),
    role: s.stopping ? 'stopping' : s.role,
    roleSinceMs: toWall(s.roleSinceMs),
    term: s.term,
    unfitBecause: [...s.unfitBecause],
    configDigest: s.digest,
    generation: s.config?.serialNo ?? 0,
    peer: {
      known: hasPeer(s),
      ...(peer
        ? { role: peer.offers === 'stopping' ? 'stopping' : peer.role, generation: peer.generation, term: peer.term }
        : {}),
      alive: peerAlive(s, now.ms),
      paths: reportPaths(s.hearing, toWall),
    },
    virtualIps: s.config
      ? floating(s.config).map((a) => ({
          address: a.address,
          device: a.device,
          wanted: s.role === 'active',
          held: addresses
            ? addresses.addresses.some((k) => k.address === a.address && k.device === interfaceOf(a.device))
            : null,
        }))
      : [],
    kernel: {
      ...(s.kernel.tableAtMs === null ? {} : { observedAtMs: toWall(s.kernel.tableAtMs) }),
      drift: [...s.kernel.tableDrift, ...s.kernel.addressDrift, ...s.kernel.applyFailures].slice(0, driftLimit),
    },
    worstLatenessMs: s.lateness.reduce((worst, l) => Math.max(worst, l.worstMs), 0),
  }
}

function serverReport(
  service: ServiceState,
  server: ServerState,
  weightWanted: number,
  kernel: KernelService | undefined,
  counters: ReadonlyMap<string, Counters>,
  toWall: (ms: number) => number,
): ServerReport {
  const there = kernel?.destinations.get(server.key)
  const counted = counters.get(`${service.key} ${server.key}`)
  return {
    name: server.spec.name,
    address: server.spec.address,
    port: server.spec.port,
    health: server.health,
    ...(server.health === 'unknown' ? {} : { healthSinceMs: toWall(server.sinceMs) }),
    ...(server.lastCheckMs === null ? {} : { lastCheckAtMs: toWall(server.lastCheckMs) }),
    ...(server.lastTookMs === null ? {} : { lastCheckMs: Math.round(server.lastTookMs) }),
    ...(server.lastError === null ? {} : { lastError: server.lastError.slice(0, 2_000) }),
    recent: server.recent,
    weightWanted,
    weightKernel: there ? there.weight : null,
    activeConnections: there?.activeConnections ?? 0,
    inactiveConnections: there?.inactiveConnections ?? 0,
    connections: counted?.connections ?? 0,
    packetsIn: counted?.packetsIn ?? 0,
    bytesIn: counted?.bytesIn ?? 0,
  }
}

function serviceReport(s: State, service: ServiceState, now: Now): ServiceReport {
  const toWall = (ms: number): number => Math.round(now.wallMs - (now.ms - ms))
  const kernel = s.kernel.lastTable?.get(service.key)
  const want = wanted(service)
  const { spec } = service
  return {
    id: service.key,
    name: spec.name,
    address: spec.vip.address,
    port: spec.port,
    protocol: spec.protocol,
    ...(spec.fwmark ? { fwmark: spec.fwmark } : {}),
    scheduler: spec.scheduler,
    ...(spec.persistentS ? { persistentS: spec.persistentS } : {}),
    inKernel: kernel !== undefined,
    sorry: want.sorry,
    realServers: service.servers.map((server) =>
      serverReport(
        service,
        server,
        want.destinations.find((d) => d.key === server.key)?.weight ?? 0,
        kernel,
        s.kernel.counters,
        toWall,
      ),
    ),
  }
}

/** All virtual servers as reported. */
export function serviceReports(s: State, now: Now): ServiceReport[] {
  return s.health.services.map((service) => serviceReport(s, service, now))
}
