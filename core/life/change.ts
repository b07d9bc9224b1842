/**
 * A change of a running cluster as one transaction over both directors (domain/life.ts has its states). Orders go over the agents'
 * sockets; what prepares and cleans hosts is a run like any other. When anything fails before the confirmation, both directors go back
 * and the hosts are put back as they were; when contact is lost, the directors go back by themselves.
 */
import { randomUUID } from 'node:crypto'
import type { ClusterDraft, DirectorDraft } from '../../domain/cluster.ts'
import type { Order, ServerReport, ServiceReport } from '../../domain/contract/agent.ts'
import type { Change, ChangeLine, ChangePlan } from '../../domain/life.ts'
import { changeOver } from '../../domain/life.ts'
import type { Plan, ProofLine } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { Builds } from '../builds.ts'
import type { Clusters } from '../clusters.ts'
import { reasonOf } from '../disk.ts'
import type { Drafts } from '../drafts.ts'
import type { AgentDoor } from '../live/agent-line.ts'
import type { Log } from '../ports.ts'
import { changeFaults, changePlan, seatOfSuccessor, startOfAgent } from './change-plan.ts'
import { keptDraft } from './change-vips.ts'
import { contactWith, wait } from './contact.ts'
import type { Contact } from './contact.ts'
import type { Revisions } from './revisions.ts'

export interface ChangesPorts {
  readonly builds: Pick<
    Builds,
    'plan' | 'planOf' | 'carry' | 'busy' | 'finishRun' | 'takeBackRun' | 'takeBackHost' | 'forgetHost'
  >
  readonly clusters: Pick<Clusters, 'get' | 'put'>
  readonly drafts: Pick<Drafts, 'get'>
  readonly revisions: Pick<Revisions, 'add'>
  readonly door: AgentDoor
  /** Proves a cluster from the outside; `configDigest` is what the agents must run. */
  readonly prove: (draft: ClusterDraft, configDigest: string) => Promise<readonly ProofLine[]>
  /** Whether a director can be logged in to and has nothing of Shoal: it was set up anew. Absent where none can be. */
  readonly isBlank?: (director: DirectorDraft) => Promise<boolean>
  readonly digest: (text: string) => string
  /** Who makes changes here. */
  readonly author: string
  readonly now: () => number
  readonly log: Log
  readonly onChange: (change: Change) => void
  readonly onClusters: () => void
  readonly restartWatch: (clusterId: string) => Promise<void>
  readonly timing?: Partial<typeof usualTiming>
}

export interface Changes {
  plan(clusterId: string): Promise<Result<ChangePlan>>
  start(clusterId: string, draftRevision: number, reason: string): Promise<Result<{ readonly changeId: string }>>
  /** The newest change of a cluster in this session. */
  newestOf(clusterId: string): Change | undefined
  close(): Promise<void>
}

const usualTiming = {
  /** The proof has to be over within it, or the directors go back; each service on each real server is given some more. */
  confirmWithinMs: 120_000,
  confirmPerServerMs: 3_000,
  /** Connections of a server that leaves are waited for so long. */
  drainMs: 60_000,
  lookEveryMs: 1_000,
  /** A director that was told to commit shows the new file within it. */
  takeUpMs: 20_000,
  /** A line to a director that is lost is opened anew within it. */
  regainMs: 15_000,
}

const short = (digest: string): string => digest.slice(0, 12)

export function openChanges(ports: ChangesPorts): Changes {
  const { builds, clusters, drafts, now } = ports
  const timing = { ...usualTiming, ...ports.timing }
  const planned = new Map<
    string,
    { readonly change: ChangePlan; readonly after: ClusterDraft; readonly start?: Plan }
  >()
  const newest = new Map<string, Change>()
  const underWay = new Map<string, Promise<unknown>>()

  async function plan(clusterId: string): Promise<Result<ChangePlan>> {
    const cluster = await clusters.get(clusterId)
    if (!cluster.ok) return cluster
    const kept = await drafts.get(clusterId)
    if (!kept.ok) return kept
    const faults = changeFaults(cluster.value.draft, kept.value.draft)
    if (faults.length > 0) return failed(...faults)
    const whole = await builds.plan(clusterId)
    if (!whole.ok) return whole
    const seat = await deadSeat(cluster.value.draft, kept.value.draft)
    if (whole.value.lvscf === cluster.value.lvscf && seat === undefined) {
      const same = JSON.stringify(cluster.value.draft.realServers) === JSON.stringify(kept.value.draft.realServers)
      if (same) return failed(problem('change-nothing'))
    }
    const { draft } = cluster.value
    // Until the change is confirmed the hosts keep the virtual IPs that leave.
    const meanwhile = keptDraft(draft, kept.value.draft)
    const keeping =
      meanwhile === kept.value.draft
        ? undefined
        : await builds.planOf(meanwhile, whole.value.draftRevision, whole.value.lvscf)
    if (keeping && !keeping.ok) return keeping
    const change = changePlan(draft, cluster.value.lvscf, kept.value.draft, whole.value, keeping?.value.plan, seat)
    const dead = seat === undefined ? undefined : draft.directors[seat]
    if (dead) {
      // Its agent would hear nobody any more and come to serve as well.
      const alive = await ports.door.open(dead)
      if (alive.ok) {
        alive.value.line.close()
        return failed(problem('change-director-alive', { host: dead.name, address: dead.address }))
      }
    }
    const first: Plan | undefined = change.replaced && {
      ...whole.value,
      order: [[change.replaced.hostId]],
      steps: whole.value.steps.filter(
        (step) => step.hostId === change.replaced?.hostId && startOfAgent.includes(step.kind),
      ),
    }
    planned.set(clusterId, { change, after: kept.value.draft, ...(first ? { start: first } : {}) })
    return ok(change)
  }

  /** The director that gets a successor: another machine in its seat, or the same one that was set up anew and has nothing of Shoal. */
  async function deadSeat(before: ClusterDraft, after: ClusterDraft): Promise<0 | 1 | undefined> {
    const moved = seatOfSuccessor(before, after)
    if (moved !== undefined) return moved
    const [first, second] = await Promise.all(
      after.directors.map(async (director) => (await ports.isBlank?.(director)) ?? false),
    )
    if (first === second) return undefined
    return first ? 0 : 1
  }

  async function start(clusterId: string, draftRevision: number, reason: string) {
    const ready = planned.get(clusterId)
    if (!ready) return failed(problem('plan-absent'))
    if (reason.trim() === '') return failed(problem('reason-needed'))
    const kept = await drafts.get(clusterId)
    if (!kept.ok) return kept
    if (ready.change.draftRevision !== draftRevision || kept.value.revision !== draftRevision) {
      return failed(problem('plan-outdated'))
    }
    const blocks = ready.change.findings.filter((finding) => finding.problem.severity === 'block').length
    if (blocks > 0) return failed(problem('plan-blocked', { count: blocks }))
    if (underWay.has(clusterId) || builds.busy(clusterId)) return failed(problem('run-under-way'))
    const before = await clusters.get(clusterId)
    if (!before.ok) return before
    if (before.value.lvscf !== ready.change.before) return failed(problem('plan-outdated'))
    let change: Change = {
      id: randomUUID(),
      clusterId,
      state: 'preparing',
      startedAtMs: now(),
      author: ports.author,
      reason: reason.trim(),
      lines: [],
      proof: [],
      problems: [],
    }
    const set = (changes: Partial<Change>): void => {
      change = { ...change, ...changes }
      newest.set(clusterId, change)
      ports.onChange(change)
    }
    set({})
    const over = carryOutChange(ready.change, ready.start, before.value.draft, ready.after, () => change, set)
      .catch((error: unknown) => {
        ports.log('error', 'a change threw', { reason: reasonOf(error) })
        set({ state: 'failed', endedAtMs: now(), problems: [problem('run-interrupted')] })
      })
      .finally(() => underWay.delete(clusterId))
    underWay.set(clusterId, over)
    return ok({ changeId: change.id })
  }

  /** One change from its first step to its end. */
  async function carryOutChange(
    todo: ChangePlan,
    startOfSuccessor: Plan | undefined,
    before: ClusterDraft,
    after: ClusterDraft,
    current: () => Change,
    set: (changes: Partial<Change>) => void,
  ): Promise<void> {
    const { clusterId } = todo
    const wanted = ports.digest(todo.after)
    const confirmWithinMs =
      timing.confirmWithinMs + timing.confirmPerServerMs * after.services.length * after.realServers.length
    let open: Contact[] = []
    /** Empty until hosts were touched. */
    let runId = ''
    let startId: string | undefined
    const committed: Contact[] = []
    const drained: { readonly service: string; readonly server: string }[] = []

    function say(host: string, what: string, result: Result<unknown>, answer = 'done'): void {
      const reason = result.ok
        ? answer
        : String(result.problems[0]?.detail?.['reason'] ?? result.problems[0]?.code ?? '')
      const line: ChangeLine = { atMs: now(), host, what, answer: reason, ok: result.ok }
      set({ lines: [...current().lines, line] })
    }

    async function order(at: Contact, asked: Order, what: string): Promise<Result<null>> {
      const done = await at.order(asked)
      say(at.director.name, what, done)
      return done
    }

    /** Everything back: the directors to the file before, drained servers in again, hosts as they were before this change. */
    async function goBack(problems: readonly Problem[]): Promise<void> {
      set({ state: 'reverting', problems })
      const left: Problem[] = []
      for (const at of [...committed].reverse()) {
        // One that never took the new file must not be told to go back: it would go to the file of an earlier change.
        const seen = await at.watch()
        const runs = seen.ok ? seen.value.director : undefined
        if (runs && runs.configDigest !== wanted && runs.unconfirmed?.digest !== wanted) continue
        const done = await order(at, { kind: 'revert', by: ports.author }, 'revert')
        // It goes back by itself when its time is over; nothing more can be done without contact.
        if (!done.ok) {
          const seconds = confirmWithinMs / 1000
          left.push(problem('change-reverts-itself', { host: at.director.name, seconds }))
        }
      }
      const [first] = open
      if (first) {
        for (const each of drained)
          await order(first, { kind: 'undrain', by: ports.author, ...each }, `undrain ${each.server}`)
      }
      for (const at of open) at.close()
      if (startId !== undefined) {
        const stopped = await builds.takeBackRun(startId)
        if (!stopped.ok) left.push(...stopped.problems)
      }
      if (runId !== '') {
        const undone = await builds.takeBackRun(runId)
        if (!undone.ok) left.push(...undone.problems)
      }
      set({ state: left.length === 0 ? 'reverted' : 'failed', endedAtMs: now(), problems: [...problems, ...left] })
      await ports.restartWatch(clusterId)
    }

    // Hosts first: a new real server is ready before anybody sends to it.
    const prepared = await builds.carry(todo.plan, after)
    if (!prepared.ok) {
      set({ state: 'failed', endedAtMs: now(), problems: prepared.problems })
      return
    }
    runId = prepared.value.id
    set({ runId })
    if (prepared.value.state !== 'proving') {
      await goBack(prepared.value.problems)
      return
    }

    for (const director of after.directors.filter(({ id }) => id !== todo.replaced?.hostId)) {
      const opened = await contactWith(director, ports.door, timing)
      say(director.name, 'hello', opened)
      if (!opened.ok) {
        await goBack(opened.problems)
        return
      }
      open.push(opened.value)
    }
    // The standby first: what it refuses has disturbed nobody.
    open = [...open.filter(({ role }) => role !== 'active'), ...open.filter(({ role }) => role === 'active')]
    const active = open.find(({ role }) => role === 'active')
    const standbyReady = todo.replaced !== undefined || open.some(({ role }) => role === 'standby')
    if (!active || !standbyReady) {
      const said = open.map(({ director, role }) => `${director.name}: ${role || '?'}`).join(', ')
      await goBack([problem('change-not-ready', { answer: said })])
      return
    }

    // Where only hosts change there is nothing to commit, and above all nothing to go back to but the file of an earlier change.
    const files = todo.after === todo.before ? [] : open
    if (files.length > 0) set({ state: 'staging' })
    for (const at of files) {
      const staged = await at.stage(todo.after, ports.author)
      say(at.director.name, `stage ${short(wanted)}`, staged, staged.ok && !staged.value.sound ? 'not sound' : 'sound')
      if (!staged.ok || !staged.value.sound || staged.value.digest !== wanted) {
        const says = staged.ok ? (staged.value.problems[0]?.says ?? 'another digest') : ''
        await goBack(staged.ok ? [problem('lvscf-refused', { host: at.director.name, answer: says })] : staged.problems)
        return
      }
    }

    if (todo.drained.length > 0) {
      set({ state: 'draining' })
      const leaves = (service: ServiceReport, { address }: ServerReport): boolean =>
        todo.drained.some((one) => one.address === address && (one.service ?? service.name) === service.name)
      const seen = await active.watch()
      for (const service of seen.ok ? seen.value.services : []) {
        for (const server of service.realServers.filter((server) => leaves(service, server))) {
          const name = { service: service.id, server: `${server.address}:${server.port}` }
          const done = await order(
            active,
            { kind: 'drain', by: ports.author, ...name },
            `drain ${name.server} of ${name.service}`,
          )
          if (!done.ok) {
            await goBack(done.problems)
            return
          }
          drained.push(name)
        }
      }
      const left = await waitForDrain(active, leaves)
      say(
        active.director.name,
        'wait for the last connections',
        ok(null),
        left === 0 ? 'none left' : `${left} left after ${timing.drainMs / 1000} s`,
      )
    }

    if (files.length > 0) set({ state: 'committing' })
    for (const at of files) {
      const done = await order(
        at,
        { kind: 'commit', digest: wanted, confirmWithinMs, by: ports.author },
        `commit ${short(wanted)}, confirm within ${confirmWithinMs / 1000} s`,
      )
      committed.push(at)
      const runs = done.ok && (await takesUp(at, wanted))
      if (!done.ok || !runs) {
        await goBack(
          done.ok ? [problem('change-not-taken', { host: at.director.name, digest: short(wanted) })] : done.problems,
        )
        return
      }
    }

    if (startOfSuccessor) {
      // The other director knows it now, so it hears it and comes up as the standby.
      const started = await builds.carry(startOfSuccessor, after)
      startId = started.ok ? started.value.id : undefined
      say(todo.replaced?.name ?? '', 'start the agent', started, started.ok ? started.value.state : '')
      if (!started.ok || started.value.state !== 'proving') {
        await goBack(started.ok ? started.value.problems : started.problems)
        return
      }
    }

    set({ state: 'proving' })
    const termBefore = await highestTerm(open)
    const provenFrom = performance.now()
    let proof = await ports.prove(after, wanted)
    // One that was made while the directors changed places has measured neither the cluster before nor the one after.
    const timeIsLeft = performance.now() - provenFrom < confirmWithinMs / 3
    if (timeIsLeft && proof.some(({ passed }) => !passed) && (await highestTerm(open)) !== termBefore) {
      say('', 'prove again', ok(null), 'the directors changed places meanwhile')
      proof = await ports.prove(after, wanted)
    }
    set({ proof })
    const missed = proof.filter(({ passed }) => !passed).length
    if (missed > 0) {
      await goBack([problem('change-not-proven', { count: missed, total: proof.length })])
      return
    }

    set({ state: 'confirming' })
    for (const at of files) {
      const done = await order(at, { kind: 'confirm', digest: wanted, by: ports.author }, `confirm ${short(wanted)}`)
      if (!done.ok) {
        // One that has confirmed can still go back; the other does so by itself.
        await goBack(done.problems)
        return
      }
    }
    // One that stays in lvs.cf and is not active gets nothing by that; when it is activated again no drain of this change shall hold.
    const rested = new Set(todo.drained.flatMap(({ address, service }) => (service === undefined ? [] : [address])))
    for (const each of drained)
      if (rested.has(each.server.replace(/:\d+$/, '')))
        await order(active, { kind: 'undrain', by: ports.author, ...each }, `end the drain of ${each.server}`)
    for (const at of open) at.close()

    const stands = await clusters.put({
      id: clusterId,
      name: after.name.trim(),
      builtAtMs: now(),
      draft: after,
      lvscf: todo.after,
    })
    const { author, reason } = current()
    const kept = await ports.revisions.add(clusterId, {
      atMs: now(),
      author,
      reason,
      how: 'changed',
      draft: after,
      lvscf: todo.after,
      digest: wanted,
    })
    builds.finishRun(runId, { state: 'done', proof })
    if (startId !== undefined) builds.finishRun(startId, { state: 'done' })
    if (todo.replaced) {
      builds.forgetHost(clusterId, todo.replaced.hostId, [runId, ...(startId === undefined ? [] : [startId])])
    }
    await ports.restartWatch(clusterId)

    set({ state: 'cleaning' })
    const problems: Problem[] = [...(stands.ok ? [] : stands.problems), ...(kept.ok ? [] : kept.problems)]
    const asWarning = (each: Problem): Problem => ({ ...each, severity: 'warning' })
    if (todo.ending) {
      const carried = await builds.carry(todo.ending, after)
      const ended = carried.ok && carried.value.state !== 'proving' ? failed(...carried.value.problems) : carried
      say('', `take ${todo.leaving.join(', ')} off the hosts`, ended)
      if (ended.ok) builds.finishRun(ended.value.id, { state: 'done' })
      else problems.push(...ended.problems.map(asWarning))
    }
    for (const { hostId, name } of todo.cleaned) {
      const cleaned = await builds.takeBackHost(clusterId, hostId, before)
      say(name, 'leave the host as it was', cleaned)
      if (!cleaned.ok) problems.push(...cleaned.problems.map(asWarning))
    }
    set({ state: 'done', endedAtMs: now(), problems })
    ports.onClusters()
  }

  /** Connections that servers on their way out still have, once there are none or the time is over. */
  async function waitForDrain(
    active: Contact,
    leaves: (service: ServiceReport, server: ServerReport) => boolean,
  ): Promise<number> {
    const deadline = performance.now() + timing.drainMs
    for (;;) {
      const seen = await active.watch()
      if (!seen.ok) return 0
      const left = seen.value.services
        .flatMap((service) => service.realServers.filter((server) => leaves(service, server)))
        .reduce((sum, { drain }) => sum + (drain && !drain.out ? drain.connections : 0), 0)
      if (left === 0 || performance.now() > deadline) return left
      await wait(timing.lookEveryMs)
    }
  }

  /** Rises whenever another director takes over. */
  async function highestTerm(open: readonly Contact[]): Promise<number> {
    const seen = await Promise.all(open.map((at) => at.watch()))
    return Math.max(...seen.map((each) => (each.ok ? each.value.director.term : 0)))
  }

  /** Whether a director comes to run a file, in a role that can serve. */
  async function takesUp(at: Contact, digest: string): Promise<boolean> {
    const deadline = performance.now() + timing.takeUpMs
    for (;;) {
      const seen = await at.watch()
      const report = seen.ok ? seen.value.director : undefined
      if (report?.configDigest === digest && (report.role === 'active' || report.role === 'standby')) return true
      if (!seen.ok || performance.now() > deadline) return false
      await wait(timing.lookEveryMs)
    }
  }

  return {
    plan,
    start,
    newestOf: (clusterId) => newest.get(clusterId),
    async close() {
      // A change that is left in the middle is taken back by the directors themselves.
      for (const change of newest.values())
        if (!changeOver.includes(change.state)) ports.log('warn', 'a change is left unfinished', { change: change.id })
      await Promise.race([Promise.allSettled([...underWay.values()]), wait(0)])
    },
  }
}
