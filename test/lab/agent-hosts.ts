// Puts the agent on a lab's directors and sets the real servers by hand, without the core: what is proven with it is the agent
// alone. Uses the bundle and runtime in out/agent (node agent/build.mjs).

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Lab } from './lab.ts'

const out = fileURLToPath(new URL('../../out/agent/', import.meta.url))
const KEY = '5f'.repeat(32)
const UPLOAD_LIMIT_MS = 120_000

export const directors = ['lvs1', 'lvs2'] as const
export type Director = (typeof directors)[number]

/** The first lines of an lvs.cf of the pair, with beats every second. */
export const pairLines = (lab: Lab, serial = 1): string => `serial_no = ${serial}
primary = ${lab.address('lvs1')}
service = lvs
backup_active = 1
backup = ${lab.address('lvs2')}
heartbeat = 1
heartbeat_port = 539
keepalive = 1
`

/** A plain file as Piranha's own tool would have written it, with Shoal's default timing in its comments. */
export function lvscfOf(lab: Lab, extra = ''): string {
  const reals = lab.layout.hosts.filter((host) => host.role === 'real')
  return `${pairLines(lab)}deadtime = 1
# shoal: keepalive_ms = 200
# shoal: deadtime_ms = 800
${extra}network = direct
debug_level = NONE
monitor_links = 0
syncdaemon = 0
virtual web {
     active = 1
     address = ${lab.layout.vip} eth0:1
     vip_nmask = 255.255.255.0
     port = 80
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     use_regex = 0
     load_monitor = none
     scheduler = rr
     protocol = tcp
     timeout = 3
     reentry = 6
     quiesce_server = 0
${reals
  .map(
    (host) => `     server ${host.name} {
         address = ${lab.address(host.name)}
         active = 1
         weight = 1
     }
`,
  )
  .join('')}}
`
}

async function put(lab: Lab, host: string, path: string, content: Uint8Array | string, mode = '0644'): Promise<void> {
  await lab.ssh(host, `cat > ${path}.new && chmod ${mode} ${path}.new && mv ${path}.new ${path}`, {
    input: content,
    timeoutMs: UPLOAD_LIMIT_MS,
  })
}

/** Real servers of direct routing: they have the virtual IP and do not answer for it. */
export async function setRealServers(lab: Lab): Promise<void> {
  const reals = lab.layout.hosts.filter((host) => host.role === 'real')
  await Promise.all(
    reals.map((host) =>
      lab.ssh(
        host.name,
        `sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr replace ${lab.layout.vip}/32 dev lo; mkdir -p /var/www/html; echo ${host.name} > /var/www/html/index.html; systemctl start nginx`,
      ),
    ),
  )
}

/** Bundle, runtime, key, lvs.cf and unit on both directors; the agents are started. */
export async function installAgents(lab: Lab, lvscf = lvscfOf(lab)): Promise<void> {
  await Promise.all(
    directors.map(async (host) => {
      await lab.ssh(
        host,
        'mkdir -p /opt/shoal/agent/test /opt/shoal/runtime/test /etc/shoal /etc/sysconfig/ha; chmod 700 /etc/shoal',
      )
      const has = await lab.ssh(host, 'test -x /opt/shoal/runtime/test/node', { allowFailure: true })
      if (has.exitCode !== 0) {
        await put(lab, host, '/opt/shoal/runtime/test/node.gz', readFileSync(`${out}runtime-linux-x64.gz`))
        await lab.ssh(host, 'gunzip -f /opt/shoal/runtime/test/node.gz && chmod 755 /opt/shoal/runtime/test/node', {
          timeoutMs: UPLOAD_LIMIT_MS,
        })
      }
      await putAgent(lab, host)
      await put(lab, host, '/etc/shoal/cluster.key', `${KEY}\n`, '0600')
      await put(lab, host, '/etc/sysconfig/ha/lvs.cf', lvscf)
      await put(lab, host, '/etc/systemd/system/shoal-agent.service', readFileSync(`${out}shoal-agent.service`))
      await put(
        lab,
        host,
        '/usr/local/sbin/shoal-agent',
        '#!/bin/sh\nexec /opt/shoal/node --lite-mode /opt/shoal/current/shoal-agent.cjs "$@"\n',
        '0755',
      )
      await lab.ssh(
        host,
        'ln -sfn /opt/shoal/agent/test /opt/shoal/current; ln -sfn /opt/shoal/runtime/test/node /opt/shoal/node; systemctl daemon-reload; systemctl enable -q shoal-agent; sync',
      )
    }),
  )
  await Promise.all(directors.map((host) => lab.ssh(host, 'systemctl restart shoal-agent', { timeoutMs: 60_000 })))
}

/** Only the bundle and what lies beside it, for a newer agent on hosts that have the rest. */
async function putAgent(lab: Lab, host: string): Promise<void> {
  for (const file of ['shoal-agent.cjs', 'koffi-linux-x64.node', 'release-held.sh'])
    await put(lab, host, `/opt/shoal/agent/test/${file}`, readFileSync(out + file))
}

/** Which directors have the virtual IP on an interface. */
export async function holders(lab: Lab, among: readonly string[] = directors): Promise<string[]> {
  const held = await Promise.all(
    among.map(async (host) => {
      const said = await lab.ssh(host, `ip -4 -o addr show to ${lab.layout.vip}/32`, { allowFailure: true })
      return said.stdout.includes(lab.layout.vip) ? host : null
    }),
  )
  return held.filter((host) => host !== null)
}

/** Programs of ordinary priority that never rest, so many on each director, until the time is over. */
export async function keepBusy(lab: Lab, loops: number, seconds: number): Promise<void> {
  const script = `for i in $(seq ${loops}); do (timeout ${seconds} sh -c 'while :; do :; done' &) ; done; sleep ${seconds + 2}`
  const options = { allowFailure: true, timeoutMs: (seconds + 60) * 1_000 }
  await Promise.all(directors.map((host) => lab.ssh(host, script, options)))
}
