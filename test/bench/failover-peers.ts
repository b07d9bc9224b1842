/**
 * The two that are measured side by side on the same hosts: how each is set up, how its faults are ordered, and when it is well. Only
 * one of them runs at a time. Both give the same service: direct routing, round robin, two web servers asked over HTTP every 3 s.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { directors, installAgents, lvscfOf } from '../lab/agent-hosts.ts'
import type { Director } from '../lab/agent-hosts.ts'
import type { Lab } from '../lab/lab.ts'

export const peerNames = ['keepalived', 'shoal'] as const
export type PeerName = (typeof peerNames)[number]

/** Beats of 1 s, of 0.1 s, or what each takes when its file says nothing of time. */
export const regimes = ['1s', '0.1s', 'default'] as const
export type Regime = (typeof regimes)[number]

const uploadLimitMs = 60_000
const pollMs = 300

export interface Peer {
  readonly name: PeerName
  /** Sets both directors up for a regime and starts it; `failback`: a director that returns takes the service back. */
  readonly start: (regime: Regime, failback: boolean) => Promise<void>
  readonly stop: () => Promise<void>
  /** Commands on the active director. */
  readonly handOver: string
  readonly kill: string
  /** Brings it up again on a director where it was killed or stopped. */
  readonly revive: string
}

/** Both write this into their tables, once every real server is known to be well. */
async function isWhole(lab: Lab): Promise<Director | null> {
  const reals = lab.layout.hosts.filter((host) => host.role === 'real')
  const seen = await Promise.all(
    directors.map(async (host) => {
      const said = await lab.ssh(host, `ip -4 -o addr show to ${lab.layout.vip}/32; ipvsadm -Sn`, {
        allowFailure: true,
        timeoutMs: 15_000,
      })
      const all = reals.every((real) => said.stdout.includes(`-r ${lab.address(real.name)}:80 -g -w 1`))
      return { host, whole: said.exitCode === 0 && all, holds: said.stdout.includes('scope global') }
    }),
  )
  const holders = seen.filter((s) => s.holds)
  return seen.every((s) => s.whole) && holders.length === 1 ? (holders[0]?.host ?? null) : null
}

/** Waits until exactly one director holds the address, both tables are whole, and it stays so; says who holds it. */
export async function settled(lab: Lab, limitMs: number, wanted?: Director): Promise<Director | null> {
  const from = performance.now()
  let last: Director | null = null
  for (;;) {
    const now = await isWhole(lab)
    if (now !== null && now === last && (wanted === undefined || now === wanted)) return now
    last = now
    if (performance.now() - from > limitMs) return null
    await delay(pollMs)
  }
}

const keepalivedTimes: Readonly<Record<Regime, string>> = {
  '1s': '    advert_int 1\n',
  // Fractions of a second are VRRP version 3 only.
  '0.1s': '    advert_int 0.1\n    version 3\n',
  default: '',
}

function keepalivedConf(lab: Lab, regime: Regime, host: Director): string {
  const { vip } = lab.layout
  const reals = lab.layout.hosts.filter((h) => h.role === 'real')
  return `global_defs {
    router_id ${host}
}
vrrp_instance web {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority ${host === 'lvs1' ? 150 : 100}
${keepalivedTimes[regime]}    virtual_ipaddress {
        ${vip}/24 dev eth0
    }
}
virtual_server ${vip} 80 {
    delay_loop 3
    lb_algo rr
    lb_kind DR
    protocol TCP
${reals
  .map(
    (real) => `    real_server ${lab.address(real.name)} 80 {
        weight 1
        HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 3
        }
    }
`,
  )
  .join('')}}
`
}

export function keepalived(lab: Lab): Peer {
  return {
    name: 'keepalived',
    async start(regime) {
      await Promise.all(
        directors.map(async (host) => {
          await lab.ssh(host, 'cat > /etc/keepalived/keepalived.conf', {
            input: keepalivedConf(lab, regime, host),
            timeoutMs: uploadLimitMs,
          })
          await lab.ssh(host, 'systemctl enable -q keepalived; sync; systemctl restart keepalived', {
            timeoutMs: uploadLimitMs,
          })
        }),
      )
    },
    async stop() {
      await Promise.all(
        directors.map((host) =>
          lab.ssh(
            host,
            `systemctl disable -q keepalived; systemctl stop keepalived; ip addr del ${lab.layout.vip}/24 dev eth0; ipvsadm -C`,
            { allowFailure: true, timeoutMs: uploadLimitMs },
          ),
        ),
      )
    },
    handOver: 'systemctl stop keepalived',
    kill: 'killall -q -9 keepalived || pkill -9 -x keepalived',
    revive: 'systemctl restart keepalived',
  }
}

/** At equal beats a peer counts as dead after as many of them: keepalived's three and its skew are 3.6 (priority 100). */
const shoalTimes: Readonly<Record<Regime, readonly [keepaliveMs: number, deadtimeMs: number]>> = {
  '1s': [1_000, 2_700],
  '0.1s': [100, 270],
  // What the wizard writes for a new cluster.
  default: [100, 700],
}

export function shoal(lab: Lab): Peer {
  const file = (regime: Regime, failback: boolean): string => {
    const [keepaliveMs, deadtimeMs] = shoalTimes[regime]
    return lvscfOf(lab, failback ? '# shoal: failback = on\n# shoal: failback_delay_ms = 1000\n' : '')
      .replace(/keepalive_ms = \d+/, `keepalive_ms = ${keepaliveMs}`)
      .replace(/deadtime_ms = \d+/, `deadtime_ms = ${deadtimeMs}`)
  }
  let installed = false
  return {
    name: 'shoal',
    async start(regime, failback) {
      const text = file(regime, failback)
      if (!installed) await installAgents(lab, text)
      else
        await Promise.all(
          directors.map(async (host) => {
            await lab.ssh(host, 'cat > /etc/sysconfig/ha/lvs.cf', { input: text, timeoutMs: uploadLimitMs })
            await lab.ssh(
              host,
              'systemctl reset-failed shoal-agent; systemctl enable -q shoal-agent; sync; systemctl restart shoal-agent',
              {
                timeoutMs: uploadLimitMs,
              },
            )
          }),
        )
      installed = true
      // A host that crashes right after would come up with empty files.
      await Promise.all(directors.map((host) => lab.ssh(host, 'sync', { timeoutMs: uploadLimitMs })))
    },
    async stop() {
      await Promise.all(
        directors.map((host) =>
          lab.ssh(
            host,
            'systemctl disable -q shoal-agent; systemctl stop shoal-agent; shoal-agent release; ipvsadm -C',
            {
              allowFailure: true,
              timeoutMs: uploadLimitMs,
            },
          ),
        ),
      )
    },
    handOver: 'shoal-agent handover',
    kill: 'kill -9 $(systemctl show -p MainPID --value shoal-agent)',
    revive: 'systemctl reset-failed shoal-agent; systemctl start shoal-agent',
  }
}
