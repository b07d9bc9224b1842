/**
 * Adopts a running Piranha or keepalived cluster: reads its file from both directors over SSH and makes a draft of it. Nothing is
 * changed on the hosts; the plan of the draft then finds pulse or keepalived running and stops it only with consent.
 */
import { adopt } from '../../domain/adopt.ts'
import type { DirectorDraft } from '../../domain/cluster.ts'
import type { AdoptedCluster } from '../../domain/contract/app.ts'
import { check } from '../../domain/lvscf/check.ts'
import { newDocument } from '../../domain/lvscf/draft.ts'
import { importKeepalived } from '../../domain/neighbours/keepalived-import.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { readHostFile } from '../host-file.ts'
import type { Hosts } from '../ssh/hosts.ts'

const lvscfPath = '/etc/sysconfig/ha/lvs.cf'
const keepalivedPath = '/etc/keepalived/keepalived.conf'

interface Source {
  readonly from: 'piranha' | 'keepalived'
  readonly file: string
  readonly text: string
}

/** The file of one director: Piranha's where there is one, else keepalived's. */
async function sourceOf(hosts: Hosts, director: DirectorDraft): Promise<Result<Source>> {
  const session = await hosts.session(director)
  if (!session.ok) return session
  for (const [from, file] of [
    ['piranha', lvscfPath],
    ['keepalived', keepalivedPath],
  ] as const) {
    const bytes = await readHostFile(session.value, file)
    if (!bytes.ok) return bytes
    if (bytes.value) return ok({ from, file, text: Buffer.from(bytes.value).toString('utf8') })
  }
  return failed(
    problem('adopt-nothing', { host: director.name || director.address }, { kind: 'host', host: director.id }),
  )
}

/** What of a source matters for both directors: keepalived's files differ in state, priority and router id by design. */
function comparable({ from, text }: Source): string {
  if (from === 'piranha') return text
  return text.replace(/^\s*(state|priority|router_id|lvs_id|unicast_src_ip|nopreempt)\b.*$/gm, '').replace(/\s+/g, ' ')
}

/** The draft, where it came from, and what of the file is not in it. */
export async function adoptCluster(
  hosts: Hosts,
  id: string,
  name: string,
  directors: readonly [DirectorDraft, DirectorDraft],
): Promise<Result<AdoptedCluster>> {
  const [one, other] = await Promise.all(directors.map((director) => sourceOf(hosts, director)))
  if (!one || !other) throw new Error('two directors')
  if (!one.ok) return one
  const left: Problem[] = []
  // One readable director is enough; that the other is silent or says another thing is told.
  if (!other.ok) left.push(...other.problems.map((each) => ({ ...each, severity: 'warning' as const })))
  else if (other.value.from !== one.value.from || comparable(other.value) !== comparable(one.value)) {
    left.push(problem('adopt-differ', { one: directors[0].name, other: directors[1].name }, undefined, 'warning'))
  }
  const { from, file, text } = one.value
  let lvscf = text
  if (from === 'keepalived') {
    const imported = importKeepalived(text)
    if (imported.report.verdict === 'none') return failed(...imported.report.entries.map((entry) => entry.problem))
    left.push(...imported.report.entries.filter(({ fate }) => fate !== 'noted').map((entry) => entry.problem))
    lvscf = newDocument(imported.draft)
  }
  const checked = check(lvscf)
  const config = checked.config ?? checked.served
  if (!config) return failed(...checked.problems.filter(({ severity }) => severity === 'block'))
  if (!config.virtualServers.some(({ active }) => active)) {
    return failed(problem('adopt-nothing', { host: directors[0].name || directors[0].address }))
  }
  const adopted = adopt(id, name, config, directors)
  return ok({ from, file, draft: adopted.draft, left: [...left, ...adopted.left] })
}
