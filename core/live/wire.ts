/**
 * What the wire itself answers for the virtual IPs, beside what the agents say and the kernels have: each director that does not have
 * the address asks its segment by ARP. Two questions per address, nothing is changed.
 */
import { randomBytes } from 'node:crypto'
import { interfaceOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { check } from '../../domain/lvscf/check.ts'
import { failed, ok } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { WireAnswer } from '../../domain/status.ts'
import type { Hosts } from '../ssh/hosts.ts'

/** More addresses than this are not asked for at once. */
const mostAddresses = 8
const timeoutMs = 20_000

interface Heard {
  readonly name: string
  readonly ownMacs: readonly string[]
  /** By address; absent: the director has it itself and was not asked. */
  readonly answers: ReadonlyMap<string, readonly string[]>
}

/** Asks over SSH, from both directors at once. Fails when neither can be asked. */
export async function askWire(
  hosts: Hosts,
  draft: ClusterDraft,
  lvscf: string,
  now: () => number,
): Promise<Result<readonly WireAnswer[]>> {
  const { config } = check(lvscf)
  const devices = new Map<string, string>()
  for (const { active, vip } of config?.virtualServers ?? [])
    if (active) devices.set(vip.address, interfaceOf(vip.device))
  const asked = [...devices].slice(0, mostAddresses)
  const mark = randomBytes(9).toString('hex')
  // Addresses and interfaces come from a checked lvs.cf: dotted quads and interface names, safe in a command line.
  const script = asked
    .map(
      ([address, device]) => `echo "@${mark} own $(cat /sys/class/net/${device}/address)"
if ip -4 -o addr show to ${address}/32 | grep -qv ' lo '; then echo "@${mark} here ${address}"
else echo "@${mark} asked ${address}"
arping -c 2 -w 2 -I ${device} ${address} 2>&1 | sed -n 's/.*\\[\\([0-9A-Fa-f:]*\\)\\].*/@${mark} mac ${address} \\1/p'; fi`,
    )
    .join('\n')
  const problems: Problem[] = []
  const heard: Heard[] = []
  await Promise.all(
    draft.directors.map(async (host) => {
      const session = await hosts.session(host)
      if (!session.ok) return void problems.push(...session.problems)
      const ran = await session.value.script(`${script}\nexit 0`, { as: 'root', timeoutMs })
      if (!ran.ok) return void problems.push(...ran.problems)
      const said = ran.value.out.split('\n').flatMap((line) =>
        line.startsWith(`@${mark} `)
          ? [
              line
                .slice(mark.length + 2)
                .toLowerCase()
                .split(' '),
            ]
          : [],
      )
      heard.push({
        name: host.name.trim(),
        ownMacs: said.flatMap(([what, mac]) => (what === 'own' && mac ? [mac] : [])),
        answers: new Map(
          said.flatMap(([what, address]) =>
            what === 'asked' && address
              ? [[address, said.flatMap(([w, a, mac]) => (w === 'mac' && a === address && mac ? [mac] : []))] as const]
              : [],
          ),
        ),
      })
    }),
  )
  if (heard.length === 0) return failed(...problems)
  const nameOf = (mac: string): string => heard.find(({ ownMacs }) => ownMacs.includes(mac))?.name ?? mac
  return ok(
    asked.map(([address]) => {
      const askers = heard.filter(({ answers }) => answers.has(address))
      const macs = new Set(askers.flatMap(({ answers }) => answers.get(address) ?? []))
      return { address, atMs: now(), askedBy: askers.map(({ name }) => name), answeredBy: [...macs].map(nameOf) }
    }),
  )
}
