// Many virtual servers on few hosts: they share the virtual IP by their ports, and the real servers are further addresses of the hosts.

import { pairLines } from './agent-hosts.ts'
import type { Lab } from './lab.ts'

const firstPort = 8_001

/** So many virtual servers, and real servers of each. */
export interface Size {
  readonly services: number
  readonly servers: number
}

const reals = (lab: Lab): readonly string[] =>
  lab.layout.hosts.filter((host) => host.role === 'real').map((host) => host.name)

/** The addresses of the real servers, shared out among the hosts that carry them. */
function addressesOf(lab: Lab, size: Size): ReadonlyMap<string, readonly string[]> {
  const hosts = reals(lab)
  const net = lab.layout.vip.split('.').slice(0, 3).join('.')
  const each = Math.ceil(size.servers / hosts.length)
  const all = Array.from({ length: size.servers }, (_, n) => `${net}.${150 + n}`)
  return new Map(hosts.map((host, at) => [host, all.slice(at * each, (at + 1) * each)]))
}

/** `one`: the weight of the first real server of the last virtual server, `others`: that of the rest. */
export function manyLvscf(lab: Lab, size: Size, serial: number, one: number, others: number): string {
  const servers = [...addressesOf(lab, size).values()].flat()
  const virtuals = Array.from({ length: size.services }, (_, n) => {
    const weightOf = (at: number): number => (n === size.services - 1 && at === 0 ? one : others)
    return `virtual web${n} {
     active = 1
     address = ${lab.layout.vip} eth0:1
     vip_nmask = 255.255.255.0
     port = ${firstPort + n}
     # shoal: check = http
     scheduler = wrr
     protocol = tcp
     timeout = 6
     reentry = 6
${servers.map((address, at) => `     server rs${at} {\n         address = ${address}\n         active = 1\n         weight = ${weightOf(at)}\n     }\n`).join('')}}
`
  })
  return `${pairLines(lab, serial)}deadtime = 3
network = direct
${virtuals.join('')}`
}

export async function setManyRealServers(lab: Lab, size: Size): Promise<void> {
  const listens = Array.from({ length: size.services }, (_, n) => `listen ${firstPort + n};`).join(' ')
  const site = `server { ${listens} access_log off; location / { return 200 "ok\\n"; } }\n`
  await Promise.all(
    [...addressesOf(lab, size)].map(async ([host, addresses]) => {
      const add = addresses.map((address) => `ip addr replace ${address}/24 dev eth0`).join('; ')
      await lab.ssh(
        host,
        `sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr replace ${lab.layout.vip}/32 dev lo; ${add}`,
      )
      await lab.ssh(host, 'cat > /etc/nginx/conf.d/many.conf; systemctl restart nginx', { input: site })
    }),
  )
}
