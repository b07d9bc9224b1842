/**
 * Gives a running cluster another key. The key file holds one key a line: the first seals beats, every one of them opens them. So both
 * directors first come to know the new key, then both seal with it, and only then is the old one forgotten; no beat is refused meanwhile.
 *
 *     old ──► old,new ──► new,old ──► new        each on the standby first, and only while both hear each other
 */
import type { ClusterDraft, DirectorDraft } from '../../domain/cluster.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { ClusterKeys, Clusters } from '../clusters.ts'
import type { AgentDoor } from '../live/agent-line.ts'
import { agentUnit, clusterKeyPath } from '../provision/facts.ts'
import type { Hosts } from '../ssh/hosts.ts'
import { openSeats } from './directors.ts'

export interface RotatePorts {
  readonly clusters: Clusters
  readonly keys: ClusterKeys
  readonly hosts: Hosts
  readonly door: AgentDoor
}

/** Beats with the new text have arrived by then, or do not arrive. */
const hearMs = 10_000
const lookEveryMs = 500

/**
 * Writes the key file and has the agent read it. The file keeps its time: a build compares it with the start of the agent, which has not
 * to be started again for this.
 */
function writeText(text: string): string {
  return `set -e
umask 077
cat >${clusterKeyPath}.shoal-new <<'SHOAL_FILE'
${text}SHOAL_FILE
chown root:root ${clusterKeyPath}.shoal-new
chmod 0600 ${clusterKeyPath}.shoal-new
touch -r ${clusterKeyPath} ${clusterKeyPath}.shoal-new
sync ${clusterKeyPath}.shoal-new
mv -f ${clusterKeyPath}.shoal-new ${clusterKeyPath}
systemctl reload ${agentUnit}`
}

async function give(hosts: Hosts, director: DirectorDraft, text: string): Promise<Result<null>> {
  const session = await hosts.session(director)
  if (!session.ok) return session
  const done = await session.value.script(writeText(text), { as: 'root' })
  if (!done.ok) return done
  if (done.value.exit === 0) return ok(null)
  const answer = done.value.err.trim().split('\n').at(-1) ?? ''
  return failed(problem('command-failed', { host: director.name, exit: done.value.exit, answer }))
}

/** Whether both directors hear each other on every path that was heard before, with the beats of this moment. */
async function hearEachOther(draft: ClusterDraft, door: AgentDoor): Promise<Result<null>> {
  const deadline = performance.now() + hearMs
  // What was heard with the text before is not news: a beat has to come in after the change.
  await new Promise((resolve) => setTimeout(resolve, lookEveryMs * 4))
  for (;;) {
    const seats = await openSeats(draft, door)
    if (!seats.ok) return seats
    const reports = await Promise.all(seats.value.map(({ line }) => line.watch()))
    for (const { line } of seats.value) line.close()
    const hears = reports.every((report) => {
      if (!report.ok) return false
      const { peer, role } = report.value.director
      const paths = peer.paths.filter(({ state }) => state !== 'never')
      return (role === 'active' || role === 'standby') && peer.alive && paths.every(({ state }) => state === 'heard')
    })
    if (hears) return ok(null)
    if (performance.now() > deadline) return failed(problem('key-not-taken'))
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

/** Rotates the key. What fails before the old key is forgotten is put back on both directors. */
export async function rotateKey(clusterId: string, ports: RotatePorts): Promise<Result<null>> {
  const { hosts, door, keys } = ports
  const cluster = await ports.clusters.get(clusterId)
  if (!cluster.ok) return cluster
  const { draft } = cluster.value
  const before = await keys.of(clusterId)
  if (!before.ok) return before
  const heard = await hearEachOther(draft, door)
  if (!heard.ok) return heard
  const seats = await openSeats(draft, door)
  if (!seats.ok) return seats
  for (const { line } of seats.value) line.close()
  const inOrder = [...seats.value].sort((a, b) => Number(a.role === 'active') - Number(b.role === 'active'))
  const next = keys.fresh()

  async function giveBoth(text: string): Promise<Result<null>> {
    for (const { director } of inOrder) {
      const done = await give(hosts, director, text)
      if (!done.ok) return done
    }
    return hearEachOther(draft, door)
  }
  async function goBack(reason: Extract<Result<never>, { ok: false }>): Promise<Result<null>> {
    // Both know both keys, so the way back refuses no beat either.
    for (const { director } of inOrder) await give(hosts, director, `${before.ok ? before.value : ''}${next}`)
    for (const { director } of inOrder) await give(hosts, director, before.ok ? before.value : '')
    return reason
  }

  for (const text of [`${before.value}${next}`, `${next}${before.value}`]) {
    const done = await giveBoth(text)
    if (!done.ok) return goBack(done)
  }
  // Kept here before the old one is forgotten there: a Shoal that ends now still has the key both seal with.
  const kept = await keys.replace(clusterId, next)
  if (!kept.ok) return goBack(kept)
  return giveBoth(next)
}
