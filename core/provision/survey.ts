/**
 * Looks at hosts: logs in, asks for the facts in one script, and with a draft at hand asks the second questions. Read-only; hosts side
 * by side, so that the whole takes as long as the slowest.
 */
import { randomBytes } from 'node:crypto'
import type { ClusterDraft, HostDraft } from '../../domain/cluster.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { factsScript, readFacts } from './facts.ts'
import { lookScript, readLook } from './look.ts'
import type { Surveyed } from './finding.ts'

const factsTimeoutMs = 30_000

type AskedFacts = Result<{ readonly facts: HostFacts; readonly roundTripMs: number }>

/**
 * The facts of one host and how long its answer to nothing takes. A connection that was kept may lead to a host that has restarted since;
 * asking changes nothing, so where it is lost it is done once more, over a new one.
 */
export async function askFacts(hosts: Hosts, host: HostDraft, now: () => number): Promise<AskedFacts> {
  const asked = await askFactsOnce(hosts, host, now)
  const isLost = !asked.ok && asked.problems.some(({ code }) => code === 'connection-lost')
  return isLost ? askFactsOnce(hosts, host, now) : asked
}

async function askFactsOnce(hosts: Hosts, host: HostDraft, now: () => number): Promise<AskedFacts> {
  const session = await hosts.session(host)
  if (!session.ok) return session
  const root = await session.value.rootBy()
  if (!root.ok) return root
  const mark = randomBytes(9).toString('hex')
  const startedAt = performance.now()
  let firstAtMs = now()
  let firstAfterMs = 0
  const asked = await session.value.script(factsScript(mark), {
    as: 'root',
    timeoutMs: factsTimeoutMs,
    onLine: ({ text }) => {
      if (firstAfterMs > 0 || !/^\d{15,}$/.test(text)) return
      firstAtMs = now()
      firstAfterMs = performance.now() - startedAt
    },
  })
  if (!asked.ok) return asked
  const { target } = session.value
  const facts = readFacts(asked.value.out, mark, {
    atMs: firstAtMs,
    // The host's clock was read some time between the question and the first line of the answer; the middle is the best guess.
    roundTripMs: firstAfterMs,
    rootBy: root.value,
    hostId: host.id,
    address: target.address,
    user: target.user,
  })
  return facts.ok ? ok({ facts: facts.value, roundTripMs: Math.round(firstAfterMs) }) : facts
}

/** Every host of a draft that Shoal logs in to, with facts and second look, or with the problem that stood in the way. */
export async function survey(draft: ClusterDraft, hosts: Hosts, now: () => number): Promise<readonly Surveyed[]> {
  const all = [
    ...draft.directors.map((host) => ({ host, role: 'director' as const })),
    ...draft.realServers
      .filter((server) => server.setUp === 'ssh')
      .map((host) => ({ host, role: 'real-server' as const })),
  ]
  return Promise.all(
    all.map(async ({ host, role }): Promise<Surveyed> => {
      const seat = { hostId: host.id, role, host }
      const asked = await askFacts(hosts, host, now)
      if (!asked.ok) return { ...seat, problem: asked.problems[0] ?? problem('host-unreachable', {}) }
      const { facts } = asked.value
      const mark = randomBytes(9).toString('hex')
      const session = await hosts.session(host)
      const looked = session.ok
        ? await session.value.script(lookScript(mark, draft, role, facts), { as: 'root', timeoutMs: factsTimeoutMs })
        : session
      const look = looked.ok ? readLook(looked.value.out, mark) : undefined
      return { ...seat, facts, ...(look ? { look } : {}) }
    }),
  )
}

/** Asks the segment from a director whether somebody has an address; `heldBy` is a MAC address or the host itself. */
export async function addressFree(
  hosts: Hosts,
  host: HostDraft,
  device: string,
  address: string,
): Promise<Result<{ readonly free: boolean; readonly heldBy?: string }>> {
  const session = await hosts.session(host)
  if (!session.ok) return session
  const mark = randomBytes(9).toString('hex')
  const asked = await session.value.script(
    `ip -4 -o addr show to ${address}/32 | while read -r n d r; do echo "@${mark} here $d"; done
if arping -V 2>&1 | grep -q iputils; then
  arping -D -c 2 -w 3 -I ${device} ${address} 2>&1 | sed -n 's/.*\\[\\([0-9A-Fa-f:]*\\)\\].*/@${mark} mac \\1/p'
else echo "@${mark} no-arping"; fi
exit 0`,
    { as: 'root' },
  )
  if (!asked.ok) return asked
  const said = asked.value.out
    .split('\n')
    .flatMap((line) => (line.startsWith(`@${mark} `) ? [line.slice(mark.length + 2)] : []))
  const here = said.find((line) => line.startsWith('here '))
  if (here !== undefined)
    return ok({ free: false, heldBy: `${host.name || host.address} ${here.slice('here '.length)}` })
  const mac = said.find((line) => line.startsWith('mac '))
  if (mac !== undefined) return ok({ free: false, heldBy: mac.slice('mac '.length).toLowerCase() })
  if (said.includes('no-arping')) {
    return failed(
      problem('arping-missing', { host: host.name || host.address, vip: address }, { kind: 'host', host: host.id }),
    )
  }
  return ok({ free: true })
}
