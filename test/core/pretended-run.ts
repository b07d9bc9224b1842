// Steps carried out over SSH on a pretended host (pretend-host.ts): the host, its door, and runs made of a plan's steps.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Plan, Run, Step } from '../../domain/plan.ts'
import { ok } from '../../domain/problem.ts'
import { carryOut, takeBack } from '../../core/provision/run.ts'
import type { RunPorts } from '../../core/provision/run.ts'
import { openSecrets } from '../../core/secrets.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { moved, pretendHost } from './pretend-host.ts'
import { newHostKey, startHost } from './ssh-host.ts'

export type PretendedHost = 'director-1' | 'real-1'

/** Who owns the files that are written: these tests do not run as root everywhere. */
export const owner = `${userInfo().username}:${execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()}`

/** A host that a draft's steps are carried out on; `folder` holds what belongs to it. */
export async function beginPretended(
  folder: string,
  draft: ClusterDraft,
  hostId: PretendedHost,
  missing?: readonly string[],
) {
  const own = hostId === 'real-1' ? '192.168.2.243' : '192.168.2.117'
  const root = pretendHost([`eth0 ${own}/24`], ['main default via 192.168.2.1 dev eth0'], missing)
  const key = newHostKey()
  const host = await startHost({ password: 'x', hostKey: key.private, root: (script) => moved(script, root) })
  const home = mkdtempSync(join(folder, 'home-'))
  mkdirSync(join(home, '.ssh'))
  writeFileSync(join(home, '.ssh', 'known_hosts'), `[127.0.0.1]:${host.port} ${key.public}\n`)
  const secrets = openSecrets(undefined)
  await secrets.keep({ address: '127.0.0.1', port: host.port, user: 'root' }, 'password', 'x')
  const hosts = openHosts({
    knownHosts: openKnownHosts(join(home, 'own'), home),
    secret: secrets.get,
    uploadTag: 'test',
  })
  const login = { kind: 'password' as const, keyFile: '' }
  const at = { address: '127.0.0.1', port: String(host.port), user: 'root', login }
  const reached: ClusterDraft = {
    ...draft,
    directors: [{ ...draft.directors[0], ...at }, draft.directors[1]],
    realServers: draft.realServers.map((server) => ({ ...server, ...at })),
  }
  const said: string[] = []
  const ports: RunPorts = {
    hosts,
    signal: new AbortController().signal,
    retryPausesMs: [],
    now: () => 5,
    binary: () => undefined,
    secret: async () => ok('key'),
    changed: () => undefined,
    line: ({ text }) => said.push(text),
  }
  let runs = 0
  return {
    root,
    /** What the steps have printed. */
    said,
    /** These steps and nothing else; files belong to whoever runs the tests. */
    carryOut(steps: readonly Step[]): Promise<Run> {
      const plan: Plan = {
        draftId: 'd',
        draftRevision: 1,
        lvscf: '',
        findings: [],
        order: [[hostId]],
        hosts: [],
        steps,
      }
      const run: Run = {
        id: `run-${++runs}`,
        draftId: 'd',
        clusterId: 'd',
        state: 'running',
        startedAtMs: 0,
        plan,
        steps: steps.map(({ id }) => ({ stepId: id, state: 'waiting' })),
        proof: [],
        problems: [],
      }
      return carryOut(run, reached, ports)
    },
    takeBack: (run: Run): Promise<Run> => takeBack(run, reached, ports),
    async end(): Promise<void> {
      hosts.close()
      await host.close()
      rmSync(root, { recursive: true })
    },
  }
}
