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
  /** Policy rules besides the kernel's own three (`ip rule`), as text. */
  rules: z.array(z.string()).default([]),
  /** What manages the network: the services that run, and per card its owner and, for systemd-networkd, the file it goes by. */
  network: z
    .object({
      managers: z.array(z.enum(['NetworkManager', 'systemd-networkd', 'networking', 'wicked', 'dhcpcd'])),
      owners: z.record(z.string(), z.string()),
      networkdFiles: z.record(z.string(), z.string()),
    })
    .default({ managers: [], owners: {}, networkdFiles: {} }),
  /** The SSH connection the facts came by, as the host sees it; absent when it cannot tell. */
  ssh: z.object({ from: z.string(), to: z.string(), port: z.number() }).optional(),
  /** `lxc`, `docker` …: the kernel and its modules belong to another host. Empty: none. */
  container: z.string().default(''),
  /** Where the machine runs by its firmware's name, when that is a cloud whose network must be told of every address; else empty. */
  cloud: z.string().default(''),
  /** The system is replaced as a whole and takes packages in another way (transactional-update, rpm-ostree). */
  immutable: z.boolean().default(false),
  /** Cards that join received packets beyond what may be forwarded again (large-receive-offload). */
  lroCards: z.array(z.string()).default([]),
  /** Whether the kernel can unwrap IP in IP (module ipip there or loaded). */
  ipip: z.boolean().default(false),
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
  rivals: z.array(
    z.object({
      name: z.string(),
      enabled: z.boolean(),
      running: z.boolean(),
      /** Whether systemd has a unit of that name: only then can it be stopped as a service. */
      unit: z.boolean().default(true),
    }),
  ),
  /** Listening sockets, for "is the service bound where the VIP arrives". */
  listening: z.array(
    z.object({
      protocol: z.enum(['tcp', 'udp']),
      address: z.string(),
      port: z.number(),
      process: z.string().optional(),
    }),
  ),
  firewall: z.object({
    active: z.array(z.string()),
    inputDrops: z.boolean(),
    forwardDrops: z.boolean().default(false),
    /** Chains of nftables that refuse what they do not know: an accept elsewhere does not help against them. */
    chains: z
      .array(z.object({ family: z.string(), table: z.string(), chain: z.string(), hook: z.enum(['input', 'forward']) }))
      .default([]),
    /** firewalld's zone of each card; the default zone under ``. */
    zones: z.record(z.string(), z.string()).default({}),
    /** Rules that rewrite the source of what is forwarded (masquerade), as text. */
    masquerades: z.array(z.string()).default([]),
    /** Rules that redirect packets to this host itself, as text. */
    redirects: z.array(z.string()).default([]),
  }),
  /** `enforcing`, `permissive`, or empty where there is no SELinux. */
  selinux: z.string().default(''),
  /** Programs that an AppArmor profile in enforce mode confines, by the profile's name or the last part of its path. */
  apparmor: z.array(z.string()).default([]),
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
