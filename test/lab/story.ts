// What the core's lab tests share: a cluster of the lab as a draft, the core on the lab's network, building and taking back with the
// figures printed, and the state of a host that must be the same again afterwards.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { newClusterDraft } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import type { Run } from '../../domain/plan.ts'
import { speak } from '../../domain/speech/speech.ts'
import { startCore } from './core-bridge.ts'
import type { CoreOnLab } from './core-bridge.ts'
import { attach, up } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LayoutName } from './layouts.ts'

const builtAgent = fileURLToPath(new URL('../../out/agent', import.meta.url))

const stateAgainMs = 4_000
/** A host that has just booted beside others. */
const startLimitMs = 180_000
/** Where nothing else is done a build ends within a minute (watch.lab.ts); with many others beside it, three minutes were not enough. */
export const buildLimitMs = 480_000
export const reals = ['rs1', 'rs2'] as const

/**
 * The lab's hosts in a new draft: directors by root's key, real servers by a password and sudo with that password. Whatever the layout
 * has besides (a second cable, an inside address, another forwarding method) is in it as the wizard would have it.
 */
function draftOf(lab: Lab): ClusterDraft {
  const fresh = newClusterDraft('web')
  const key = { kind: 'key' as const, keyFile: lab.credentials.root.privateKeyPath }
  const password = { kind: 'password' as const, keyFile: '' }
  const [first, second] = fresh.directors
  return {
    ...fresh,
    name: 'web',
    forwarding: { dr: 'direct', nat: 'nat', tun: 'tunnel' }[lab.layout.forwarding] as ClusterDraft['forwarding'],
    directors: [
      { ...first, address: lab.address('lvs1'), privateAddress: secondAddress(lab, 'lvs1'), login: key },
      { ...second, address: lab.address('lvs2'), privateAddress: secondAddress(lab, 'lvs2'), login: key },
    ],
    natRouter: { ...fresh.natRouter, address: lab.layout.natRouter ?? '' },
    virtualIp: { ...fresh.virtualIp, address: lab.layout.vip },
    realServers: fresh.realServers.map((server, at) => ({
      ...server,
      address: lab.address(reals[at] ?? 'rs1'),
      user: lab.credentials.admin.user,
      login: password,
    })),
  }
}

function secondAddress(lab: Lab, host: string): string {
  return lab.layout.hosts.find(({ name }) => name === host)?.nics[1]?.address ?? ''
}

/**
 * Files, addresses, routes, kernel values, modules, units and groups: what must be as before when a build is taken back. Modules that ss
 * has the kernel load to look at sockets are nobody's.
 */
async function stateOf(lab: Lab, host: string, tries = 6): Promise<string> {
  const { stdout, stderr, exitCode } = await lab.ssh(
    host,
    `export LC_ALL=C
set -- /etc /opt /usr/local /root /home /var/lib/shoal /run/shoal
find "$@" -xdev ! -name .sudo_as_admin_successful ! -name .pwd.lock ! -name 'group-' ! -name 'gshadow-' ! -type d -printf '%p %m %u:%g %s %l\\n' 2>/dev/null | sort
find "$@" -xdev -type d -printf '%p %m\\n' 2>/dev/null | sort
ip -br -4 addr
ip -4 rule
ip -4 route show table all | grep -v '^local\\|^broadcast' | sort
cd /proc/sys/net/ipv4
grep -s . ip_forward conf/all/* conf/default/* conf/lo/* conf/eth*/* | grep 'arp_\\|rp_filter\\|redirects\\|ip_forward'
cut -d ' ' -f 1 /proc/modules | grep -v '_diag$' | sort
grep -qsx filter /proc/net/arp_tables_names && arptables -L -n | grep -v '(policy ACCEPT)$\\|^$'
for t in filter mangle; do grep -qsx $t /proc/net/ip_tables_names && iptables -t $t -S | grep -v '^-P [A-Z]* ACCEPT'; done
ss -Hltun | awk '{print $1, $5}' | sort
systemctl list-units --all --no-legend --plain 'shoal*' | awk '{print $1}'
# Units enabled for good are links in /etc, listed above; asking systemd for them takes it half a minute on a busy machine.
find /run/systemd/system -mindepth 1 -printf '%p %l\\n' 2>/dev/null | sort
systemctl list-units --failed --no-legend --plain | awk '{print $1}'
cat /etc/group`,
    { timeoutMs: 90_000, allowFailure: true },
  )
  // systemd of a host that has just booted beside others may be too busy to answer; a look changes nothing and can be had again.
  if (exitCode !== 0 && tries > 0) {
    await delay(stateAgainMs)
    return stateOf(lab, host, tries - 1)
  }
  if (exitCode !== 0) throw new Error(`the state of ${host} could not be read: exit code ${exitCode}: ${stderr}`)
  return stdout
}

type HostStates = Readonly<Record<string, string>>

/** What one state has and the other has not, host by host. */
function traces(before: HostStates, after: HostStates): readonly string[] {
  return Object.keys(before).flatMap((host) => {
    const old = (before[host] ?? '').split('\n')
    const now = (after[host] ?? '').split('\n')
    const lines = [
      ...old.filter((line) => !now.includes(line)).map((line) => `${host} - ${line}`),
      ...now.filter((line) => !old.includes(line)).map((line) => `${host} + ${line}`),
    ]
    return lines.length === 0 && before[host] !== after[host] ? [`${host}: the same lines in other numbers`] : lines
  })
}

export interface Story {
  readonly lab: Lab
  readonly core: CoreOnLab
  readonly dataDir: string
  /** As it was last kept. */
  readonly draft: ClusterDraft
  readonly vip: string
  readonly revision: () => number
  /** Of these hosts; of all without. */
  state(hosts?: readonly string[]): Promise<HostStates>
  /**
   * Is all as before on the hosts of `before`, or on these of them: at once, or within so many ms, and then what was not at once is
   * printed. Throws with every line that is not.
   */
  mustBeAsBefore(
    before: HostStates,
    within?: { readonly hosts?: readonly string[]; readonly ms?: number },
  ): Promise<void>
  /** Accepts the host keys as they are and gives the passwords. */
  logIn(): Promise<void>
  /** `over`: the revision of the draft that is kept already, where another one than this story kept it. */
  keepDraft(next?: ClusterDraft, over?: number): Promise<void>
  build(onRun?: (run: Run) => void): Promise<Run>
  undo(run: Run): Promise<Run>
  end(): Promise<void>
}

/** A lab of its own with web servers running and nothing else, and a core with an empty data directory. */
export async function beginStory(name: string, keep: boolean, layout: LayoutName = 'dr'): Promise<Story> {
  const say = (line: string): void => {
    console.log(line)
  }
  const lab = attach(name) ?? (await up(layout, { name, say }))
  try {
    await Promise.all(
      reals.map((host) =>
        lab.ssh(
          host,
          `mkdir -p /var/www/html; echo ${host} > /var/www/html/index.html; systemctl enable -q nginx; systemctl start nginx`,
          { timeoutMs: startLimitMs },
        ),
      ),
    )
  } catch (error) {
    // Nobody else would take it down: there is no story to end yet.
    if (!keep) await lab.down()
    throw error
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'shoal-story-'))
  // A copy: a build of the agent made meanwhile must not change what this story builds.
  const agentDir = join(dataDir, 'agent')
  cpSync(builtAgent, agentDir, { recursive: true })
  const core = startCore(lab, dataDir, agentDir)
  let draft = draftOf(lab)
  let revision = 0
  const statesOf = async (hosts: readonly string[]): Promise<HostStates> =>
    Object.fromEntries(await Promise.all(hosts.map(async (host) => [host, await stateOf(lab, host)] as const)))

  return {
    lab,
    core,
    dataDir,
    get draft() {
      return draft
    },
    vip: lab.layout.vip,
    revision: () => revision,
    state: (hosts = lab.layout.hosts.map(({ name: host }) => host)) => statesOf(hosts),
    async mustBeAsBefore(before, { hosts = Object.keys(before), ms = 0 } = {}) {
      const wanted = Object.fromEntries(hosts.map((host) => [host, before[host] ?? '']))
      const until = performance.now() + ms
      let left = traces(wanted, await statesOf(hosts))
      while (left.length > 0 && performance.now() < until) {
        say(`not as before yet:\n${left.join('\n')}`)
        await delay(stateAgainMs)
        left = traces(wanted, await statesOf(hosts))
      }
      if (left.length > 0) throw new Error(`not as before:\n${left.join('\n')}`)
    },
    async logIn() {
      for (const host of [...draft.directors, ...draft.realServers]) {
        const owner = { address: host.address, port: 22, user: host.user, kind: 'password' as const }
        await core.must('secrets.keep', { ...owner, secret: lab.credentials.admin.password })
        const seen = await core.must('hosts.try', { host })
        if (seen.kind === 'unknown-key') await core.must('hosts.trust', seen.key)
      }
    },
    async keepDraft(next = draft, over) {
      if (next.id !== draft.id) revision = 0
      revision = over ?? revision
      draft = next
      revision = (await core.must('drafts.keep', { revision, draft })).revision
    },
    async build(onRun = () => undefined) {
      await core.must('plan.make', { draftId: draft.id })
      const over = core.when(
        'run.changed',
        (run) => {
          onRun(run)
          return ['done', 'failed', 'cancelled'].includes(run.state)
        },
        buildLimitMs,
      )
      await core.must('run.start', { draftId: draft.id, draftRevision: revision })
      const run = await over
      const seconds = (((run.endedAtMs ?? 0) - run.startedAtMs) / 1000).toFixed(1)
      say(`build: ${run.state} after ${seconds} s ${run.problems.map((each) => speak(each, 'en').says).join(' ')}`)
      return run
    },
    async undo(run) {
      const startedAt = performance.now()
      const isOver = ({ id, state }: Run): boolean => id === run.id && (state === 'undone' || state === 'failed')
      const over = core.when('run.changed', isOver, buildLimitMs)
      await core.must('run.undo', { runId: run.id })
      const undone = await over
      say(`taken back: ${undone.state} after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
      return undone
    },
    async end() {
      await core.close()
      if (!keep) await lab.down()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
