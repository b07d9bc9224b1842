// Drafts and facts for the core's tests: the cluster of the lab (two directors, two real servers, direct routing), and hosts as the
// facts script found them there.
import { newClusterDraft } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { hostFactsSchema } from '../../domain/facts.ts'
import type { HostFacts } from '../../domain/facts.ts'
import type { AgentBuild } from '../../core/provision/plan.ts'
import type { Surveyed } from '../../core/provision/finding.ts'
import type { HostLook } from '../../core/provision/look.ts'

export const vip = '192.168.2.27'

export function webDraft(): ClusterDraft {
  const draft = newClusterDraft('web-cluster')
  const [first, second] = draft.directors
  return {
    ...draft,
    name: 'web',
    directors: [
      { ...first, address: '192.168.2.117', login: { kind: 'key', keyFile: '/keys/root' } },
      { ...second, address: '192.168.2.15', user: 'admin', login: { kind: 'password', keyFile: '' } },
    ],
    virtualIp: { address: vip, device: 'eth0', prefix: '32' },
    realServers: draft.realServers.map((server, at) => ({
      ...server,
      address: ['192.168.2.243', '192.168.2.111'][at] ?? '',
      login: { kind: 'key', keyFile: '/keys/root' },
    })),
  }
}

const addresses: Readonly<Record<string, string>> = {
  'director-1': '192.168.2.117',
  'director-2': '192.168.2.15',
  'real-1': '192.168.2.243',
  'real-2': '192.168.2.111',
}

export function macOf(hostId: string): string {
  return `02:00:00:00:00:0${Object.keys(addresses).indexOf(hostId) + 1}`
}

/** A healthy Debian host of the cluster; `changes` replace whole parts. */
export function factsOf(hostId: string, changes: Partial<HostFacts> = {}): HostFacts {
  const isReal = hostId.startsWith('real')
  const facts = hostFactsSchema.parse({
    atMs: 1_000,
    hostName: hostId,
    os: { id: 'debian', version: '12', family: 'debian', pretty: 'Debian GNU/Linux 12 (bookworm)' },
    kernel: '6.1.0-18-amd64',
    machine: 'x86_64',
    cpus: 2,
    memoryMb: 2000,
    freeMb: { root: 1200, var: 1200, tmp: 1200 },
    uid: 0,
    rootBy: 'root',
    init: 'systemd',
    machineId: `id-of-${hostId}`,
    clockOffsetMs: 12,
    nics: [
      { name: 'lo', mac: '', up: true, mtu: 65536, addresses: [{ address: '127.0.0.1', prefix: 8, dynamic: false }] },
      {
        name: 'eth0',
        mac: macOf(hostId),
        up: true,
        mtu: 1500,
        addresses: [{ address: addresses[hostId] ?? '', prefix: 24, dynamic: false }],
      },
    ],
    routes: [{ to: 'default', via: '192.168.2.1', device: 'eth0' }],
    sysctls: { 'net.ipv4.conf.all.arp_ignore': '0', 'net.ipv4.conf.all.arp_announce': '0' },
    ipvs: { available: true, loaded: false, schedulers: ['rr', 'wrr', 'lc', 'wlc'], table: '' },
    commands: Object.fromEntries(
      [
        'ip',
        'ss',
        'ipvsadm',
        'modprobe',
        'sysctl',
        'systemctl',
        'base64',
        'sha256sum',
        'gzip',
        'mktemp',
        'apt-get',
        'arping',
      ].map((name) => [name, `/usr/bin/${name}`]),
    ),
    rivals: [],
    listening: isReal ? [{ protocol: 'tcp', address: '0.0.0.0', port: 80, process: 'nginx' }] : [],
    firewall: { active: [], inputDrops: false },
  })
  return { ...facts, ...changes }
}

function lookOf(hostId: string, changes: Partial<HostLook> = {}): HostLook {
  const macs = Object.entries(addresses)
    .filter(([id]) => id !== hostId)
    .map(([id, address]) => [address, [macOf(id)]] as const)
  return {
    asked: hostId.startsWith('director'),
    vipMacs: {},
    routerMacs: [],
    tunnels: {},
    paths: [],
    beats: [],
    macs: hostId.startsWith('director') ? Object.fromEntries(macs) : {},
    vipFiles: [],
    sysctlLines: [],
    ...changes,
  }
}

/** Every host of the draft as surveyed; `facts` and `looks` change single hosts. */
export function surveyedOf(
  draft: ClusterDraft,
  facts: Readonly<Record<string, Partial<HostFacts>>> = {},
  looks: Readonly<Record<string, Partial<HostLook>>> = {},
): readonly Surveyed[] {
  return [
    ...draft.directors.map((host) => ({ host, role: 'director' as const })),
    ...draft.realServers.map((host) => ({ host, role: 'real-server' as const })),
  ].map(({ host, role }) => ({
    hostId: host.id,
    role,
    host,
    facts: factsOf(host.id, facts[host.id]),
    look: lookOf(host.id, looks[host.id]),
  }))
}

export const build: AgentBuild = {
  version: '0.1.0',
  id: '0.1.0-0123456789ab',
  unit: '[Service]\nExecStart=/opt/shoal/node\n',
  files: [
    { name: 'shoal-agent.cjs', bytes: 400_000, sha256: 'a'.repeat(64) },
    { name: 'release-held.sh', bytes: 600, sha256: 'b'.repeat(64) },
    { name: 'koffi-linux-x64.node', bytes: 1_000_000, sha256: 'c'.repeat(64) },
    { name: 'koffi-linux-arm64.node', bytes: 1_000_000, sha256: 'd'.repeat(64) },
  ],
  runtimes: {
    x86_64: { name: 'runtime-linux-x64.gz', sha256: 'e'.repeat(64), bytes: 108_000_000, nativeSuffix: '-x64.node' },
    aarch64: {
      name: 'runtime-linux-arm64.gz',
      sha256: 'f'.repeat(64),
      bytes: 108_000_000,
      nativeSuffix: '-arm64.node',
    },
  },
}
