/**
 * What a watcher is told: the director's own state and one entry per virtual server, made from the state alone. Entries are made
 * per service, so the control socket can send only those that changed.
 */
import type { DirectorReport, ServerReport, ServiceReport } from '../../domain/contract/agent.ts'
import type { Counters, KernelService } from '../../domain/ipvs/kernel-table.ts'
import { peerAlive } from './fitness.ts'
import type { ServerState, ServiceState } from './health.ts'
import { reportPaths } from './heartbeat.ts'
import { wanted } from './ipvs.ts'
import { peerSees } from './sight.ts'
import { floating, hasPeer, interfaceOf, timing, type State } from './state.ts'
import { steeringReport } from './steering.ts'
import { wantedDaemon } from './surroundings.ts'
import type { Now } from './words.ts'

/** A check that is over its time by no more than this is only about to say so. */
const stuckReportMs = 500
/** A report names at most so many differences. */
const driftLimit = 20

/** The director's own part of a report. */
export function directorReport(s: State, now: Now): DirectorReport {
  const toWall = (ms: number): number => Math.round(now.wallMs - (now.ms - ms))
  const { peer } = s.hearing
  const { addresses } = s.kernel
  const there = addresses ? new Set(addresses.addresses.map((a) => `${a.address} ${a.device}`)) : null
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
        ? {
            role: peer.offers === 'stopping' ? 'stopping' : peer.role,
            generation: peer.generation,
            configDigest: peer.digest,
            term: peer.term,
          }
        : {}),
      alive: peerAlive(s, now.ms),
      paths: reportPaths(s.hearing, timing(s).keepaliveMs, now.ms, toWall),
    },
    virtualIps: s.config
      ? floating(s.config).map((a) => ({
          address: a.address,
          device: a.device,
          wanted: s.role === 'active',
          held: there?.has(`${a.address} ${interfaceOf(a.device)}`) ?? null,
        }))
      : [],
    kernel: {
      ...(s.kernel.tableAtMs === null ? {} : { observedAtMs: toWall(s.kernel.tableAtMs) }),
      drift: [
        ...s.kernel.tableDrift,
        ...s.kernel.addressDrift,
        ...s.kernel.applyFailures,
        ...s.surroundings.drift,
        ...s.surroundings.failures,
        ...s.surroundings.unseen,
      ].slice(0, driftLimit),
    },
    ...syncReport(s),
    worstLatenessMs: s.lateness.reduce((worst, l) => Math.max(worst, l.worstMs), 0),
  }
}

function syncReport(s: State): Pick<DirectorReport, 'sync'> {
  const daemon = wantedDaemon(s)
  if (!daemon) return {}
  const { role, device, id } = daemon
  const runs = s.surroundings.found?.sync?.some((d) => d.role === role && d.device === device && d.id === id) ?? false
  return { sync: { wanted: role, runs, device, id } }
}

function serverReport(
  s: State,
  service: ServiceState,
  server: ServerState,
  weightWanted: number,
  kernel: KernelService | undefined,
  view: { readonly stuckMs?: number; readonly peerSees?: 'up' | 'down' },
  toWall: (ms: number) => number,
): ServerReport {
  const there = kernel?.destinations.get(server.key)
  const { stuckMs, peerSees: sees } = view
  const counted: Counters | undefined = s.kernel.counters.get(`${service.key} ${server.key}`)
  return {
    name: server.spec.name,
    address: server.spec.address,
    port: server.spec.port,
    health: server.health,
    ...(server.health === 'unknown' ? {} : { healthSinceMs: toWall(server.sinceMs) }),
    ...(server.lastCheckMs === null ? {} : { lastCheckAtMs: toWall(server.lastCheckMs) }),
    ...(server.lastTookMs === null ? {} : { lastCheckMs: Math.round(server.lastTookMs) }),
    ...(server.lastError === null ? {} : { lastError: server.lastError.slice(0, 2_000) }),
    ...(server.warning === null ? {} : { warning: server.warning.slice(0, 2_000) }),
    ...(stuckMs === undefined ? {} : { stuckMs }),
    ...(sees === undefined ? {} : { peerSees: sees }),
    recent: server.recent,
    weightWanted,
    ...steeringReport(s, service, server, toWall),
    weightKernel: there ? there.weight : null,
    activeConnections: there?.activeConnections ?? 0,
    inactiveConnections: there?.inactiveConnections ?? 0,
    connections: counted?.connections ?? 0,
    packetsIn: counted?.packetsIn ?? 0,
    bytesIn: counted?.bytesIn ?? 0,
  }
}

/** How far the running check is over its time, and what the peer sees of the server. */
function viewOf(
  s: State,
  service: ServiceState,
  server: ServerState,
  at: number,
  now: Now,
): { readonly stuckMs?: number; readonly peerSees?: 'up' | 'down' } {
  const sees = peerAlive(s, now.ms) ? peerSees(s.sight, service.firstAt + at, now) : undefined
  const overMs = server.probe ? Math.round(now.ms - server.probe.startedMs - service.spec.check.timeoutMs) : 0
  return { ...(overMs > stuckReportMs ? { stuckMs: overMs } : {}), ...(sees === undefined ? {} : { peerSees: sees }) }
}

function serviceReport(s: State, service: ServiceState, now: Now): ServiceReport {
  const toWall = (ms: number): number => Math.round(now.wallMs - (now.ms - ms))
  const kernel = s.kernel.lastTable?.get(service.key)
  const want = wanted(s.config?.forwarding ?? 'direct', service, s.steering.steered.get(service.key))
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
    // Their places count, with those that are not active: the peer tells what it sees by them.
    realServers: service.servers.flatMap((server, at) =>
      !server.spec.active
        ? []
        : serverReport(
            s,
            service,
            server,
            want.destinations.find((d) => d.key === server.key)?.weight ?? 0,
            kernel,
            viewOf(s, service, server, at, now),
            toWall,
          ),
    ),
  }
}

/** All virtual servers as reported. */
export function serviceReports(s: State, now: Now): ServiceReport[] {
  return s.health.services.map((service) => serviceReport(s, service, now))
}
