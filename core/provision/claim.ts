/**
 * Whether the network lets a director take an address: one director has it for some seconds, and the other hosts of its segment ask for
 * it and ping it there. What decides this (a cloud, a hypervisor's switch, port security) cannot be read on any host; a network that
 * drops addresses it was not told of lets the cluster be built and nobody be served.
 *
 * The only change is that address, for these seconds: taken only when nobody answers for it, gone when the script ends however it ends,
 * and by a guard of its own when the connection is lost. The label tells it from the same address given by anyone else.
 */
import { randomBytes } from 'node:crypto'
import type { HostDraft } from '../../domain/cluster.ts'
import type { AddressTried } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { addressFree } from './survey.ts'

/** How long the address is held at most, and when the guard takes it away, in seconds. */
const heldSeconds = 10
const guardSeconds = 20
const pings = 4
const scriptTimeoutMs = 30_000
/** A label of an address has at most so many characters, the card's name and a colon included (netdevice(7), IFNAMSIZ). */
const longestLabel = 15

/** Holds the address; prints `@mark up MAC` once it is there. */
export function holdScript(mark: string, device: string, address: string): string {
  const label = `${device}:try`.length <= longestLabel ? ` label ${device}:try` : ''
  const gone = `ip address del ${address}/32 dev ${device}${label}`
  return `ip -4 -o address show to ${address}/32 | grep -q . && exit 3
(trap '' HUP; sleep ${guardSeconds}; ${gone}) >/dev/null 2>&1 </dev/null &
guard=$!
trap '${gone} 2>/dev/null; kill $guard 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM
ip address add ${address}/32 dev ${device}${label} || exit 1
echo "@${mark} up $(cat /sys/class/net/${device}/address)"
arping -A -c 2 -I ${device} ${address} >/dev/null 2>&1
sleep ${heldSeconds - 2}
exit 0`
}

/** Asks for the address on another host, and forgets there what was learnt of it. */
function reachScript(mark: string, address: string): string {
  return `ip -4 -o address show to ${address}/32 | grep -q . && { echo '@${mark} own'; exit 0; }
ip neigh flush to ${address} 2>/dev/null
said=$(ping -n -q -c ${pings} -i 0.5 -W 1 ${address} 2>/dev/null | sed -n 's/.* transmitted, \\([0-9]*\\) received.*/\\1/p')
echo "@${mark} got \${said:-0} $(ip neigh show to ${address} | sed -n 's/.*lladdr \\([0-9a-f:]*\\).*/\\1/p' | head -n 1)"
ip neigh flush to ${address} 2>/dev/null
exit 0`
}

type Asked = AddressTried['askers'][number]

/** What an asker's answer means; undefined for a host that has the address itself and cannot be asked. */
export function readReach(out: string, mark: string, name: string, holderMac: string): Asked | undefined {
  const line = out.split('\n').find((each) => each.startsWith(`@${mark} `)) ?? ''
  const [, word, got = '0', mac = ''] = line.split(' ')
  if (word === 'own') return undefined
  const answer = `${got} of ${pings}${mac === '' ? '' : `, ${mac}`}`
  return { name, reached: Number(got) > 0 && mac === holderMac, answer }
}

/**
 * Has `holder` hold the address, once it is known to be free, and asks it from the other hosts. Passed when every host that could be
 * asked reached it there. Device and address must have been checked: they go into command lines.
 */
export async function tryAddress(
  hosts: Hosts,
  holder: HostDraft,
  askers: readonly HostDraft[],
  device: string,
  address: string,
): Promise<Result<AddressTried>> {
  const free = await addressFree(hosts, holder, device, address)
  if (!free.ok) return free
  const name = (host: HostDraft): string => host.name || host.address
  if (!free.value.free) {
    return failed(problem('vip-answered', { host: name(holder), vip: address, mac: free.value.heldBy ?? '' }))
  }
  const session = await hosts.session(holder)
  if (!session.ok) return session
  // Connected beforehand: the address is held for seconds only.
  const ready = await Promise.all(askers.map(async (host) => ({ host, session: await hosts.session(host) })))
  const lost = ready.flatMap((each): readonly Problem[] => (each.session.ok ? [] : each.session.problems))
  if (lost.length > 0) return { ok: false, problems: lost }

  const mark = randomBytes(9).toString('hex')
  let up: (mac: string) => void = () => undefined
  const isUp = new Promise<string>((resolve) => (up = resolve))
  const held = session.value.script(holdScript(mark, device, address), {
    as: 'root',
    timeoutMs: scriptTimeoutMs,
    onLine: ({ text }) => {
      if (text.startsWith(`@${mark} up `)) up(text.slice(`@${mark} up `.length).trim())
    },
  })
  const mac = await Promise.race([isUp, held.then(() => undefined)])
  const asked =
    mac === undefined
      ? []
      : await Promise.all(
          ready.map(async ({ host, session: way }): Promise<Asked | undefined> => {
            const said = way.ok ? await way.value.script(reachScript(mark, address), { as: 'root' }) : way
            if (!said.ok) return { name: name(host), reached: false, answer: said.problems[0]?.code ?? '' }
            return readReach(said.value.out, mark, name(host), mac)
          }),
        )
  const ended = await held
  if (!ended.ok) return ended
  if (mac === undefined) {
    const reason = ended.value.err.trim() || `exit ${ended.value.exit}`
    return failed(problem('address-not-held', { host: name(holder), address, device, reason }))
  }
  const answers = asked.filter((each): each is Asked => each !== undefined)
  return ok({ passed: answers.length > 0 && answers.every(({ reached }) => reached), askers: answers })
}
