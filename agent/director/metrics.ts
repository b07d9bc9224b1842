/**
 * What Prometheus is told (text format 0.0.4), made from the same reports that the watchers get. Families come one after the other as
 * the format wants it, in pieces, so that ten thousand real servers are not one long text made in one go. Times are seconds, instants
 * seconds since the epoch, as is the custom there.
 */
import type { DirectorReport, FailoverCause, ServerReport, ServiceReport } from '../../domain/contract/agent.ts'

/** What has been counted since the agent started. */
export interface Totals {
  readonly failovers: Readonly<Partial<Record<FailoverCause, number>>>
  /** Journal entries by kind. */
  readonly events: Readonly<Record<string, number>>
}

/** What the process itself says. */
interface Vitals {
  readonly cpuS: number
  readonly rssBytes: number
  readonly startedAtMs: number
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number | undefined]

/** Samples that go into one piece of the text. */
const samplesPerPiece = 500

const escaped = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value

function labelsText(labels: Labels): string {
  let out = ''
  for (const name in labels) out += `${out === '' ? '{' : ','}${name}="${escaped(labels[name] ?? '')}"`
  return out === '' ? '' : `${out}}`
}

function* family(name: string, type: 'gauge' | 'counter', says: string, samples: Iterable<Sample>): Generator<string> {
  let text = `# HELP ${name} ${says}\n# TYPE ${name} ${type}\n`
  let count = 0
  for (const [labels, value] of samples) {
    if (value === undefined) continue
    text += `${name}${labelsText(labels)} ${value}\n`
    if (++count % samplesPerPiece > 0) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}

const one = (value: number | undefined, labels: Labels = {}): Sample[] => [[labels, value]]
const flag = (is: boolean): number => (is ? 1 : 0)
const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1_000)

const roles: readonly DirectorReport['role'][] = ['starting', 'active', 'standby', 'unfit', 'stopping']

/** The whole text, in pieces. */
export function* metrics(
  d: DirectorReport,
  services: readonly ServiceReport[],
  totals: Totals,
  vitals: Vitals,
): Generator<string> {
  const gauge = (name: string, says: string, samples: Iterable<Sample>): Generator<string> =>
    family(`shoal_${name}`, 'gauge', says, samples)
  const counter = (name: string, says: string, samples: Iterable<Sample>): Generator<string> =>
    family(`shoal_${name}`, 'counter', says, samples)

  yield* gauge(
    'agent_info',
    'The agent: its version and the name of its director.',
    one(1, { version: d.version, director: d.director }),
  )
  yield* gauge(
    'director_role',
    'What the director is now: 1 for its role, 0 for the others.',
    roles.map((role): Sample => [{ role }, flag(d.role === role)]),
  )
  yield* gauge('director_role_since_timestamp_seconds', 'Since when it has this role.', one(seconds(d.roleSinceMs)))
  yield* gauge('director_term', 'Raised by every takeover in the cluster.', one(d.term))
  yield* gauge('director_fit', '1 when the director could serve.', one(flag(d.unfitBecause.length === 0)))
  yield* gauge('config_generation', 'serial_no of the lvs.cf in force.', one(d.generation))
  yield* gauge(
    'config_equal',
    '1 when the peer runs the same lvs.cf.',
    one(d.peer.configDigest === undefined ? undefined : flag(d.peer.configDigest === d.configDigest)),
  )
  yield* gauge(
    'config_unconfirmed',
    '1 while a committed lvs.cf waits to be confirmed.',
    one(flag(d.unconfirmed !== undefined)),
  )
  yield* gauge(
    'peer_alive',
    '1 when the other director is heard; absent when none is configured.',
    one(d.peer.known ? flag(d.peer.alive) : undefined),
  )

  const paths = <T>(of: (path: DirectorReport['peer']['paths'][number]) => T): [Labels, T][] =>
    d.peer.paths.map((path) => [{ path: path.name, local: path.local, remote: path.remote }, of(path)])
  yield* gauge(
    'heartbeat_path_up',
    '1 when the peer is heard on this path.',
    paths((p) => flag(p.state === 'heard')),
  )
  yield* gauge(
    'heartbeat_last_timestamp_seconds',
    'When the last beat came on this path.',
    paths((p) => seconds(p.lastHeardAtMs)),
  )
  yield* gauge(
    'heartbeat_loss_ratio',
    'Share of the last hundred beats that did not come.',
    paths((p) => p.lossPercent / 100),
  )
  yield* gauge(
    'heartbeat_worst_gap_seconds',
    'Longest time between two beats in the last minute.',
    paths((p) => seconds(p.worstGapMs)),
  )
  yield* counter(
    'heartbeat_refused_total',
    'Datagrams refused: wrong key, replayed, foreign.',
    paths((p) => p.refused),
  )

  yield* gauge(
    'virtual_ip_held',
    '1 when the virtual IP is on an interface here.',
    d.virtualIps.map((v): Sample => [
      { address: v.address, device: v.device },
      v.held === null ? undefined : flag(v.held),
    ]),
  )
  yield* gauge(
    'virtual_ip_wanted',
    '1 when the virtual IP should be here.',
    d.virtualIps.map((v): Sample => [{ address: v.address, device: v.device }, flag(v.wanted)]),
  )
  yield* gauge(
    'kernel_differences',
    'Differences between the kernel and what is wanted, being repaired.',
    one(d.kernel.drift.length),
  )
  yield* gauge(
    'kernel_observed_timestamp_seconds',
    "When the kernel's table was last looked at.",
    one(seconds(d.kernel.observedAtMs)),
  )
  yield* gauge(
    'loop_worst_lateness_seconds',
    "How late the agent's loop was at worst in the last minute.",
    one(d.worstLatenessMs / 1_000),
  )

  yield* counter(
    'failovers_total',
    'Takeovers by this director, by cause, since the agent started.',
    Object.entries(totals.failovers).map(([cause, n]): Sample => [{ cause }, n]),
  )
  yield* counter(
    'journal_entries_total',
    'Entries of the journal, by kind, since the agent started.',
    Object.entries(totals.events).map(([kind, n]): Sample => [{ kind }, n]),
  )

  function* ofServices(of: (service: ServiceReport) => number): Generator<Sample> {
    for (const s of services) yield [{ service: s.id, name: s.name }, of(s)]
  }
  yield* gauge(
    'service_in_kernel',
    "1 when the virtual server is in the kernel's table.",
    ofServices((s) => flag(s.inKernel)),
  )
  yield* gauge(
    'service_sorry',
    '1 when the sorry server stands in.',
    ofServices((s) => flag(s.sorry)),
  )
  yield* gauge(
    'service_servers_up',
    'Real servers of the virtual server that are up.',
    ofServices((s) => s.realServers.filter((r) => r.health === 'up').length),
  )

  function* servers(of: (server: ServerReport) => number | undefined): Generator<Sample> {
    for (const s of services)
      for (const r of s.realServers) {
        const address = r.address.includes(':') ? `[${r.address}]` : r.address
        yield [{ service: s.id, server: `${address}:${r.port}`, name: r.name }, of(r)]
      }
  }
  yield* gauge(
    'server_up',
    '1 up, 0 down; absent before the first verdict.',
    servers((r) => (r.health === 'unknown' ? undefined : flag(r.health === 'up'))),
  )
  yield* gauge(
    'server_weight',
    'Weight in the kernel; absent when it is not in the table.',
    servers((r) => r.weightKernel ?? undefined),
  )
  yield* gauge(
    'server_draining',
    '1 while an operator drains the server.',
    servers((r) => (r.drain ? 1 : undefined)),
  )
  yield* gauge(
    'server_active_connections',
    'Active connections.',
    servers((r) => r.activeConnections),
  )
  yield* gauge(
    'server_inactive_connections',
    'Inactive connections.',
    servers((r) => r.inactiveConnections),
  )
  yield* gauge(
    'server_last_check_timestamp_seconds',
    'When its last check ended.',
    servers((r) => seconds(r.lastCheckAtMs)),
  )
  yield* gauge(
    'server_check_seconds',
    'How long its last check took.',
    servers((r) => seconds(r.lastCheckMs)),
  )
  yield* counter(
    'server_connections_total',
    "Connections since its entry was made in the kernel's table.",
    servers((r) => r.connections),
  )
  yield* counter(
    'server_packets_in_total',
    'Packets to the server since its entry was made.',
    servers((r) => r.packetsIn),
  )
  yield* counter(
    'server_bytes_in_total',
    'Bytes to the server since its entry was made.',
    servers((r) => r.bytesIn),
  )

  yield* family('process_cpu_seconds_total', 'counter', 'Processor time of the agent.', one(vitals.cpuS))
  yield* family('process_resident_memory_bytes', 'gauge', 'Memory of the agent.', one(vitals.rssBytes))
  yield* family('process_start_time_seconds', 'gauge', 'When the agent started.', one(vitals.startedAtMs / 1_000))
}

/** Whether this director is as it should be, for a load balancer's or a monitor's question; the reasons when it is not. */
export function health(d: DirectorReport): { readonly healthy: boolean; readonly because: readonly string[] } {
  const because = [...d.unfitBecause]
  if (d.role === 'starting' && because.length === 0) because.push('The director is starting.')
  if (d.role === 'stopping') because.push('The director is stopping.')
  if (d.role === 'active')
    for (const v of d.virtualIps)
      if (v.held === false) because.push(`The virtual IP ${v.address} is not on ${v.device}.`)
  return { healthy: because.length === 0, because: because.slice(0, 20) }
}
