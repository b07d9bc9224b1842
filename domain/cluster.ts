/**
 * A cluster as the operator describes it in the wizard: a draft whose fields are text as typed, so half-typed values are kept and
 * survive closing the app. It never holds a secret: passwords and passphrases go to the core by `secrets.keep` and stay in memory
 * or in the keychain. The lvs.cf is made from the draft (see cluster-lvscf.ts).
 */
import { z } from 'zod'

const text = z.string().max(4000)

export const loginSchema = z.object({
  /** `agent`: the SSH agent of this desktop. `key`: a private key file. `password`: asked for, never stored in the draft. */
  kind: z.enum(['agent', 'key', 'password']),
  keyFile: text,
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
  /** `ssh`: Shoal sets it up. `script`: the operator runs a script there. */
  setUp: z.enum(['ssh', 'script']),
})
export type RealServerDraft = z.infer<typeof realServerDraftSchema>

const serviceDraftSchema = z.object({
  id: text,
  name: text,
  protocol: z.enum(['tcp', 'udp']),
  port: text,
  scheduler: text,
  /** Seconds; empty or 0 = no persistence. */
  persistentS: text,
  check: z.object({
    kind: z.enum(['connect', 'send-expect']),
    /** As written in lvs.cf, escapes included: `GET / HTTP/1.0\r\n\r\n`. */
    send: text,
    expect: text,
    intervalS: text,
    /** lvs.cf `reentry`, seconds. */
    reentryS: text,
  }),
})
export type ServiceDraft = z.infer<typeof serviceDraftSchema>

export const wizardSteps = [
  'topology',
  'directors',
  'virtual-ip',
  'services',
  'real-servers',
  'failure',
  'review',
  'build',
  'served',
] as const
export type WizardStep = (typeof wizardSteps)[number]

export const clusterDraftSchema = z.object({
  id: text,
  name: text,
  step: z.enum(wizardSteps),
  forwarding: z.enum(['direct', 'nat', 'tunnel']),
  directors: z.tuple([directorDraftSchema, directorDraftSchema]),
  virtualIp: z.object({ address: text, device: text, prefix: text }),
  /** NAT only: the floating inside gateway. */
  natRouter: z.object({ address: text, device: text, prefix: text }),
  services: z.array(serviceDraftSchema),
  realServers: z.array(realServerDraftSchema),
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
