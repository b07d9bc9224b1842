/**
 * A cluster as the operator describes it in the wizard: a draft whose fields are text as typed, so half-typed values are kept and
 * survive closing the app. It never holds a secret: passwords and passphrases go to the core by `secrets.keep` and stay in memory
 * or in the keychain. The lvs.cf is made from the draft (see cluster-lvscf.ts).
 */
import { z } from 'zod'
import { chosenKinds } from './checks.ts'
import { wizardSteps } from './wizard-steps.ts'

const text = z.string().max(4000)

export const loginSchema = z.object({
  /** `agent`: the SSH agent of this desktop. `key`: a private key file. `password`: asked for, never stored in the draft. */
  kind: z.enum(['agent', 'key', 'password']),
  keyFile: text,
  /** The way over other hosts (see jump.ts): `user@bastion:2222`; absent or empty = as ~/.ssh/config says, else straight. */
  jump: text.exactOptional(),
})
export type Login = z.infer<typeof loginSchema>

/** A machine Shoal logs in to. */
export const hostDraftSchema = z.object({
  /** Stable within the draft: `director-1`, `real-3`. */
  id: text,
  /** What the operator calls it: `lvs1`. */
  name: text,
  /** Where SSH connects to, and unless `clusterAddress` says otherwise the address it has in the cluster. */
  address: text,
  port: text,
  user: text,
  login: loginSchema,
  clusterAddress: text,
})
export type HostDraft = z.infer<typeof hostDraftSchema>

const directorDraftSchema = hostDraftSchema.extend({
  /** Address on a second, private segment for the heartbeat; empty = none. */
  privateAddress: text,
})
export type DirectorDraft = z.infer<typeof directorDraftSchema>

const realServerDraftSchema = hostDraftSchema.extend({
  weight: text,
  /** `ssh`: Shoal sets it up. `script`: the operator runs a shell script there, `windows`: a PowerShell script. */
  setUp: z.enum(['ssh', 'script', 'windows']),
})
export type RealServerDraft = z.infer<typeof realServerDraftSchema>

const serviceDraftSchema = z.object({
  id: text,
  name: text,
  protocol: z.enum(['tcp', 'udp']),
  port: text,
  /** NAT only: the port on the real servers; empty = the same. */
  realPort: text.default(''),
  /** Ports besides `port` that are one service with it, by a firewall mark: `443`, `20 21`. */
  morePorts: text.default(''),
  /** The firewall mark that binds the ports; empty = the service is its port alone. */
  fwmark: text.default(''),
  /** Which of `moreVirtualIps` it is served at; empty = `virtualIp` (see virtual-ips.ts). */
  virtualIpId: text.default(''),
  scheduler: text,
  /** Seconds; empty or 0 = no persistence. */
  persistentS: text,
  /** lvs.cf `active`: one that is not stands in the file and is not served. */
  active: z.boolean().default(true),
  /** Ids of real servers that are not active in this service: neither checked nor given connections. */
  inactiveServers: z.array(text).default([]),
  /** Whether the weights follow the load of the real servers (lvs.cf `load_monitor`). */
  loadMonitor: z.enum(['none', 'uptime']).default('none'),
  check: z.object({
    /** `connect` and `send-expect` are Piranha's own; the others become `# shoal: check` (see cluster-check.ts). */
    kind: z.enum(['send-expect', ...chosenKinds]),
    /** As written in lvs.cf, escapes included: `GET / HTTP/1.0\r\n\r\n`. */
    send: text,
    expect: text,
    /** HTTP and HTTPS: what is asked for, as which host (empty: the address; also what a mail server is greeted with). */
    path: text.default('/'),
    host: text.default(''),
    /** Status codes that count: `200-399`. */
    status: text.default('200-399'),
    /** The page must contain this; empty = anything. */
    body: text.default(''),
    /** DNS: the name asked for. */
    name: text.default('.'),
    /** MySQL, PostgreSQL: who is greeted. */
    user: text.default('shoal'),
    /** Program with its arguments; `%h` and `%p` are address and port. */
    script: text.default(''),
    /** The virtual IP is asked for through each real server, too. */
    viaVip: z.boolean().default(false),
    intervalS: text,
    /** lvs.cf `reentry`, seconds. */
    reentryS: text,
  }),
})
export type ServiceDraft = z.infer<typeof serviceDraftSchema>

export type WizardStep = (typeof wizardSteps)[number]

/** How the real servers are made ready, where a forwarding method leaves a choice. */
const realServerWaySchema = z.object({
  /**
   * Direct routing: `sysctl` makes the kernel silent about the virtual IP (arp_ignore, arp_announce); `arptables` filters its ARP
   * packets and leaves the kernel values alone.
   */
  direct: z.enum(['sysctl', 'arptables']).default('sysctl'),
  /** NAT: `default-route` sends everything by the directors; `policy-route` only the answers of the services. */
  nat: z.enum(['default-route', 'policy-route']).default('default-route'),
})

/** What Shoal may do to things on the hosts that are not its own. */
const consentSchema = z.object({
  /** Services to be stopped and disabled, `director-1/keepalived`. */
  stop: z.array(text).default([]),
  /** Whether a firewall that refuses unknown packets is opened for heartbeat and services. */
  firewall: z.boolean().default(true),
})

export const clusterDraftSchema = z.object({
  id: text,
  name: text,
  step: z.enum(wizardSteps),
  forwarding: z.enum(['direct', 'nat', 'tunnel']),
  directors: z.tuple([directorDraftSchema, directorDraftSchema]),
  virtualIp: z.object({ address: text, device: text, prefix: text }),
  /** Virtual IPs besides the first; `id` is stable within the draft: `vip-2`. */
  moreVirtualIps: z.array(z.object({ id: text, address: text, device: text, prefix: text })).default([]),
  /** NAT only: the floating inside gateway. */
  natRouter: z.object({ address: text, device: text, prefix: text }),
  services: z.array(serviceDraftSchema),
  realServers: z.array(realServerDraftSchema),
  realServerWay: realServerWaySchema.prefault({}),
  consent: consentSchema.prefault({}),
  failure: z.object({
    keepaliveMs: text,
    deadtimeMs: text,
    failback: z.boolean(),
  }),
})
export type ClusterDraft = z.infer<typeof clusterDraftSchema>

/** A draft with the revision the core gave it when it was last saved; saving over another revision is refused. */
export interface KeptDraft {
  readonly revision: number
  readonly savedAtMs: number
  readonly draft: ClusterDraft
}
