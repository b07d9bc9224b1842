import { describe, expect, it } from 'vitest'
import type { DirectorReport, ServiceReport } from '../../domain/contract/agent.ts'
import type { DirectorStatus, Verdict } from '../../domain/status.ts'
import { clusterStatus, staleAfter } from '../../core/live/status.ts'

const nowMs = 1_000_000
const vip = '192.168.2.27'

function service(changes: Partial<ServiceReport> = {}, health: 'up' | 'down' = 'up'): ServiceReport {
  return {
    id: `tcp ${vip}:80`,
    name: 'web',
    address: vip,
    port: 80,
    protocol: 'tcp',
    scheduler: 'wlc',
    inKernel: true,
    sorry: false,
    realServers: [
      {
        name: 'rs1',
        address: '192.168.2.243',
        port: 80,
        health,
        recent: '1',
        weightWanted: 1,
        weightKernel: health === 'up' ? 1 : null,
        activeConnections: 0,
        inactiveConnections: 0,
        connections: 0,
        packetsIn: 0,
        bytesIn: 0,
      },
    ],
    ...changes,
  }
}

function director(
  name: string,
  role: DirectorReport['role'],
  changes: Partial<DirectorStatus> = {},
  report: Partial<DirectorReport> = {},
): DirectorStatus {
  return {
    hostId: name,
    name,
    address: name,
    contact: 'connected',
    contactSinceMs: nowMs - 60_000,
    receivedAtMs: nowMs - 500,
    clockOffsetMs: 0,
    services: [service()],
    report: {
      director: name,
      version: '0.1.0',
      bootId: '1',
      role,
      roleSinceMs: nowMs - 30_000,
      term: 1,
      unfitBecause: [],
      configDigest: '',
      generation: 1,
      peer: { known: true, alive: true, role: role === 'active' ? 'standby' : 'active', paths: [] },
      virtualIps: [{ address: vip, device: 'eth0:1', wanted: role === 'active', held: role === 'active' }],
      kernel: { drift: [] },
      worstLatenessMs: 1,
      ...report,
    },
    ...changes,
  }
}

function verdict(directors: readonly DirectorStatus[], before?: Verdict, atMs = nowMs): Verdict {
  return clusterStatus({
    clusterId: 'c',
    virtualIps: [vip],
    keepaliveMs: 100,
    directors,
    nowMs: atMs,
    ...(before ? { before } : {}),
  }).verdict
}
const stale = { receivedAtMs: nowMs - 3_001 }
const lost = { contact: 'lost' as const }
const deaf = { peer: { known: true, alive: false, paths: [] } }

describe('the verdict', () => {
  const served = { kind: 'served', by: 'lvs1', sinceMs: nowMs - 30_000, virtualServers: 1 }
  const cases: readonly (readonly [string, readonly DirectorStatus[], object])[] = [
    [
      'one active, one standby: served, ready',
      [director('lvs1', 'active'), director('lvs2', 'standby')],
      { ...served, standby: 'ready', problems: 0 },
    ],
    [
      'the standby is starting',
      [director('lvs1', 'active'), director('lvs2', 'starting')],
      { ...served, standby: 'not-ready' },
    ],
    [
      'the standby is unfit',
      [director('lvs1', 'active'), director('lvs2', 'unfit')],
      { ...served, standby: 'not-ready' },
    ],
    [
      'the standby is not heard',
      [director('lvs1', 'active'), director('lvs2', 'standby', stale)],
      { ...served, standby: 'unknown' },
    ],
    [
      'contact with the standby is lost',
      [director('lvs1', 'active'), director('lvs2', 'standby', lost)],
      { ...served, standby: 'unknown' },
    ],
    ['a single director', [director('lvs1', 'active')], { ...served, standby: 'none' }],
    [
      'contact with the active one is lost, and the standby hears it',
      [director('lvs1', 'active', lost), director('lvs2', 'standby')],
      { kind: 'served', by: 'lvs1', standby: 'ready' },
    ],
    [
      'both are active',
      [director('lvs1', 'active'), director('lvs2', 'active', {}, { roleSinceMs: nowMs - 2_000 })],
      { kind: 'both-serve', virtualIp: vip, sinceMs: nowMs - 2_000 },
    ],
    [
      'the last words of a director that crashed, before the other took over, do not make two',
      [
        director('lvs1', 'active', { receivedAtMs: nowMs - 1_200 }),
        director('lvs2', 'active', {}, { roleSinceMs: nowMs - 600 }),
      ],
      { kind: 'served', by: 'lvs2', sinceMs: nowMs - 600, standby: 'unknown' },
    ],
    [
      'an active report that is old does not make two',
      [director('lvs1', 'active', stale), director('lvs2', 'active')],
      { kind: 'served', by: 'lvs2', standby: 'unknown' },
    ],
    [
      'nobody is active and both are heard',
      [director('lvs1', 'standby', {}, deaf), director('lvs2', 'unfit', {}, deaf)],
      { kind: 'not-served', virtualIp: vip, sinceMs: nowMs },
    ],
    [
      'the standby alone, its partner dead, not yet taken over',
      [director('lvs1', 'active', lost), director('lvs2', 'standby', {}, deaf)],
      { kind: 'not-served', virtualIp: vip },
    ],
    [
      'the active one has lost the virtual IP',
      [
        director('lvs1', 'active', {}, { virtualIps: [{ address: vip, device: 'eth0:1', wanted: true, held: false }] }),
        director('lvs2', 'standby'),
      ],
      { kind: 'not-served', virtualIp: vip },
    ],
    [
      'whether it holds the virtual IP is not known yet',
      [
        director('lvs1', 'active', {}, { virtualIps: [{ address: vip, device: 'eth0:1', wanted: true, held: null }] }),
        director('lvs2', 'standby'),
      ],
      { kind: 'served', by: 'lvs1' },
    ],
    [
      'no real server answers',
      [director('lvs1', 'active', { services: [service({}, 'down')] }), director('lvs2', 'standby')],
      { kind: 'partly-served', by: 'lvs1', served: 0, virtualServers: 1, standby: 'ready' },
    ],
    [
      'the sorry server stands in',
      [director('lvs1', 'active', { services: [service({ sorry: true }, 'down')] }), director('lvs2', 'standby')],
      { kind: 'served', by: 'lvs1', problems: 1 },
    ],
    [
      'a service is not in the kernel',
      [
        director('lvs1', 'active', { services: [service(), service({ id: 'tcp x:443', inKernel: false })] }),
        director('lvs2', 'standby'),
      ],
      { kind: 'partly-served', served: 1, virtualServers: 2 },
    ],
    [
      'drift and a silent path are counted',
      [
        director(
          'lvs1',
          'active',
          {},
          {
            kernel: { drift: ['rs1 is missing'] },
            peer: {
              known: true,
              alive: true,
              role: 'standby',
              paths: [{ name: 'private', local: '', remote: '', state: 'silent', lossPercent: 100, refused: 0 }],
            },
          },
        ),
        director('lvs2', 'standby'),
      ],
      { kind: 'served', problems: 2 },
    ],
    [
      'nobody is heard',
      [director('lvs1', 'active', lost), director('lvs2', 'standby', stale)],
      { kind: 'unknown', sinceMs: nowMs - 500 },
    ],
    [
      'nobody was ever heard',
      [{ hostId: 'a', name: 'a', address: '', contact: 'connecting', contactSinceMs: nowMs - 9, services: [] }],
      { kind: 'unknown', sinceMs: nowMs - 9 },
    ],
    [
      'a standby that hears a standby, the other not heard here',
      [
        director('lvs1', 'standby', lost),
        director('lvs2', 'standby', {}, { peer: { known: true, alive: true, role: 'standby', paths: [] } }),
      ],
      { kind: 'unknown' },
    ],
  ]
  it.each(cases)('%s', (_what, directors, expected) => {
    expect(verdict(directors)).toMatchObject(expected)
  })

  it('an instant of a director is told by our clock', () => {
    const ahead = director('lvs1', 'active', { clockOffsetMs: 5_000 }, { roleSinceMs: nowMs - 25_000 })
    expect(verdict([ahead, director('lvs2', 'standby')])).toMatchObject({ sinceMs: nowMs - 30_000 })
  })
  it('"since" stays while nothing changes', () => {
    const nobody = [director('lvs1', 'standby', {}, deaf), director('lvs2', 'unfit', {}, deaf)]
    const first = verdict(nobody)
    const later = nobody.map((each) => ({ ...each, receivedAtMs: nowMs + 4_000 }))
    expect(verdict(later, first, nowMs + 4_500)).toEqual(first)
  })
})

it('a report is stale after three beats, and never before three seconds', () => {
  expect([staleAfter(100), staleAfter(2_000)]).toEqual([3_000, 6_000])
})
