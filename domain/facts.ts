/**
 * What Shoal learns about a host by looking (read-only, one round trip): the material of preflight and plan, and what the wizard
 * offers instead of asking. Read from the host's answers by core/provision/facts.ts.
 */
import { z } from 'zod'

export const hostFactsSchema = z.object({
  atMs: z.number(),
  hostName: z.string(),
  os: z.object({
    id: z.string(),
    version: z.string(),
    family: z.enum(['debian', 'rhel', 'suse', 'other']),
    pretty: z.string(),
  }),
  kernel: z.string(),
  /** `x86_64`, `aarch64` … as uname -m says. */
  machine: z.string(),
  cpus: z.number(),
  memoryMb: z.number(),
  /** Free space in MB where Shoal writes. */
  freeMb: z.object({ root: z.number(), var: z.number(), tmp: z.number() }),
  uid: z.number(),
  /** How root is reached: already root, sudo without password, sudo with the password given, or not at all. */
  rootBy: z.enum(['root', 'sudo', 'sudo-password', 'none']),
  init: z.string(),
  machineId: z.string(),
  /** Host clock minus this machine's clock in ms, good to half the round trip. */
  clockOffsetMs: z.number(),
  nics: z.array(
    z.object({
      name: z.string(),
      mac: z.string(),
      up: z.boolean(),
      mtu: z.number(),
      addresses: z.array(
        z.object({ address: z.string(), prefix: z.number(), label: z.string().optional(), dynamic: z.boolean() }),
      ),
    }),
  ),
  routes: z.array(z.object({ to: z.string(), via: z.string().optional(), device: z.string() })),
  /** Values of the sysctls that matter, by name. */
  sysctls: z.record(z.string(), z.string()),
  ipvs: z.object({
    available: z.boolean(),
    loaded: z.boolean(),
    schedulers: z.array(z.string()),
    /** `ipvsadm-save -n` as found; empty when there is no table. */
    table: z.string(),
  }),
  /** Commands found, with their path; absent = not installed. */
  commands: z.record(z.string(), z.string()),
  /** Other owners of a VIP or of IPVS that are enabled or running: keepalived, ldirectord, pulse, … */
  rivals: z.array(z.object({ name: z.string(), enabled: z.boolean(), running: z.boolean() })),
  /** Listening sockets, for "is the service bound where the VIP arrives". */
  listening: z.array(
    z.object({
      protocol: z.enum(['tcp', 'udp']),
      address: z.string(),
      port: z.number(),
      process: z.string().optional(),
    }),
  ),
  firewall: z.object({ active: z.array(z.string()), inputDrops: z.boolean() }),
  /** What Shoal left here earlier; absent = nothing. */
  shoal: z
    .object({
      agentVersion: z.string(),
      agentRunning: z.boolean(),
      configDigest: z.string(),
      clusterKeyDigest: z.string(),
    })
    .optional(),
  /** lvs.cf as found on the host; absent = no such file. */
  lvscf: z.string().optional(),
})
export type HostFacts = z.infer<typeof hostFactsSchema>
