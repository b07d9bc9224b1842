/**
 * The draft being answered. Every change is kept on disk a moment after it was made; going back only changes the step, so nothing
 * is lost. A draft that was changed in another window is never overwritten unasked: keeping stops until the reader has chosen.
 * What was learnt from hosts and the passwords typed here live in memory only.
 */
import { defineStore } from 'pinia'
import { computed, reactive, ref, shallowRef, watch } from 'vue'
import { checkDraft, newClusterDraft, stepOfField } from '../../domain/cluster-lvscf.ts'
import { wizardSteps } from '../../domain/wizard-steps.ts'
import type { ClusterDraft, HostDraft, KeptDraft, WizardStep } from '../../domain/cluster.ts'
import type { AppInfo, HostKey, SshConfigured } from '../../domain/contract/app.ts'
import type { HostFacts } from '../../domain/facts.ts'
import { isIpv4 } from '../../domain/ipv4.ts'
import { readJumps } from '../../domain/jump.ts'
import type { Jump } from '../../domain/jump.ts'
import type { Plan } from '../../domain/plan.ts'
import type { Problem } from '../../domain/problem.ts'
import { bridge, connection } from '../bridge.ts'

/** A change is written this long after the last keystroke. */
const keepAfterMs = 400

/** What came of trying to log in to a host. */
export type Tried =
  | { readonly kind: 'trying' }
  | { readonly kind: 'facts'; readonly facts: HostFacts; readonly roundTripMs: number }
  | { readonly kind: 'unknown-key'; readonly key: HostKey }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

export type SecretKind = 'password' | 'passphrase' | 'sudo' | 'code'

/** What came of reading a running cluster. */
export type Adopted =
  | { readonly kind: 'read'; readonly file: string; readonly left: readonly Problem[] }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

export type Keeping = 'kept' | 'waiting' | 'keeping' | 'conflict' | 'failed'

export type Planning =
  | { readonly kind: 'none' }
  | { readonly kind: 'making' }
  | { readonly kind: 'made'; readonly plan: Plan }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

const sshPort = 22

/** A host on the way as one text. */
function jumpText({ user, address, port }: Jump): string {
  return `jump ${user ?? ''}@${address}:${port ?? ''}`
}

/** Chance for an id; `randomUUID` is missing where the page is not from a trustworthy origin. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return `draft-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

function isConflict(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.code === 'changed-meanwhile')
}

/** A try is of exactly this login: another address or user makes it void. */
function loginOf(host: HostDraft): string {
  const { kind, keyFile, jump = '' } = host.login
  return [host.address, host.port, host.user, kind, keyFile, jump].map((text) => text.trim()).join('\n')
}

export const useWizardStore = defineStore('wizard', () => {
  const draft = ref<ClusterDraft | null>(null)
  const revision = ref(0)
  const savedAtMs = ref<number | null>(null)
  const keeping = ref<Keeping>('kept')
  const keepProblems = ref<readonly Problem[]>([])
  const opening = ref<'idle' | 'opening' | 'failed'>('idle')
  const openProblems = ref<readonly Problem[]>([])
  /** The furthest step reached, so that steps ahead can be gone to again. */
  const reached = ref(0)
  const touched = ref(new Set<string>())
  const attempted = ref(new Set<WizardStep>())
  const tries = ref<Record<string, { readonly login: string; readonly tried: Tried }>>({})
  const planning = shallowRef<Planning>({ kind: 'none' })
  const secrets = reactive(new Map<string, { secret: string; keptFor: string }>())

  let changes = 0
  let keptChanges = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let inFlight: Promise<void> | null = null
  let replacing = false
  let stopHearing: (() => void) | undefined

  watch(
    draft,
    () => {
      if (replacing || draft.value === null) return
      changes += 1
      if (keeping.value === 'conflict') return
      keeping.value = 'waiting'
      clearTimeout(timer)
      timer = setTimeout(() => void keep(), keepAfterMs)
    },
    { deep: true, flush: 'sync' },
  )

  function replace(next: ClusterDraft | null, kept: { revision: number; savedAtMs: number | null }): void {
    replacing = true
    clearTimeout(timer)
    draft.value = next
    revision.value = kept.revision
    savedAtMs.value = kept.savedAtMs
    keptChanges = changes
    keeping.value = 'kept'
    keepProblems.value = []
    step.value = next?.step ?? 'topology'
    reached.value = wizardSteps.indexOf(step.value)
    planning.value = { kind: 'none' }
    replacing = false
  }

  function forgetMemory(): void {
    touched.value = new Set()
    attempted.value = new Set()
    tries.value = {}
    secrets.clear()
    stopHearing ??= bridge().on('draft.kept', (event) => void heardKept(event))
  }

  /** A new draft; it is on disk after its first change. */
  function begin(number: number, info: AppInfo | null): void {
    forgetMemory()
    opening.value = 'idle'
    replace({ ...newClusterDraft(newId()), name: `cluster-${number}` }, { revision: 0, savedAtMs: null })
    if (info) suggestLogin(info)
  }

  /** What was found on this machine is suggested, not asked: its first key, else its SSH agent, else a password. */
  function suggestLogin(info: AppInfo): void {
    if (draft.value === null || savedAtMs.value !== null || changes !== keptChanges) return
    const keyFile = info.keys[0] ?? ''
    const kind = keyFile !== '' ? 'key' : info.sshAgent ? 'agent' : 'password'
    const suggested = JSON.parse(JSON.stringify(draft.value)) as ClusterDraft
    for (const host of [...suggested.directors, ...suggested.realServers]) host.login = { kind, keyFile }
    replace(suggested, { revision: 0, savedAtMs: null })
  }

  async function open(id: string): Promise<void> {
    if (draft.value?.id === id) return
    forgetMemory()
    opening.value = 'opening'
    openProblems.value = []
    const answer = await bridge().ask('drafts.get', { id })
    if (answer.ok) {
      takeKept(answer.value)
      opening.value = 'idle'
    } else {
      replace(null, { revision: 0, savedAtMs: null })
      openProblems.value = answer.problems
      opening.value = 'failed'
    }
  }

  function takeKept(kept: KeptDraft): void {
    replace(structuredClone(kept.draft), kept)
  }

  /** Another window kept this draft: with nothing unsaved here and nothing under way it is news of a conflict to come. */
  async function heardKept(event: { readonly id: string; readonly revision: number }): Promise<void> {
    if (draft.value?.id !== event.id) return
    if (inFlight) await inFlight
    if (draft.value?.id === event.id && event.revision > revision.value) {
      clearTimeout(timer)
      keeping.value = 'conflict'
    }
  }

  /** Writes what changed. True when the disk has everything typed here. */
  async function keep(): Promise<boolean> {
    clearTimeout(timer)
    if (inFlight) await inFlight
    const current = draft.value
    if (current === null || keeping.value === 'conflict') return false
    if (changes === keptChanges && keeping.value !== 'failed') return true
    const sent = changes
    keeping.value = 'keeping'
    // Set before asking: the event of this very keeping may arrive before its answer.
    let over = () => {}
    inFlight = new Promise((done) => (over = done))
    const answer = await bridge().ask('drafts.keep', {
      revision: revision.value,
      draft: JSON.parse(JSON.stringify(current)) as ClusterDraft,
    })
    const same = draft.value?.id === current.id
    if (same && answer.ok) {
      revision.value = answer.value.revision
      savedAtMs.value = answer.value.savedAtMs
      keptChanges = sent
      keepProblems.value = []
      keeping.value = changes === sent ? 'kept' : 'waiting'
    } else if (same && !answer.ok) {
      keepProblems.value = answer.problems
      keeping.value = isConflict(answer.problems) ? 'conflict' : 'failed'
    }
    inFlight = null
    over()
    return same && answer.ok && changes === sent
  }

  watch(
    () => connection.returns,
    () => {
      if (keeping.value === 'failed') void keep()
    },
  )

  /** Conflict: what the other window wrote replaces what is here. */
  async function loadOther(): Promise<void> {
    if (draft.value === null) return
    const answer = await bridge().ask('drafts.get', { id: draft.value.id })
    if (answer.ok) takeKept(answer.value)
    else keepProblems.value = answer.problems
  }

  /** Conflict: what is here replaces what the other window wrote. */
  async function keepMine(): Promise<void> {
    if (draft.value === null) return
    const answer = await bridge().ask('drafts.get', { id: draft.value.id })
    if (!answer.ok) {
      keepProblems.value = answer.problems
      return
    }
    revision.value = answer.value.revision
    changes += 1
    keeping.value = 'waiting'
    await keep()
  }

  /**
   * Where the reader is. The draft on disk knows the steps up to the review only: a plan is made for a revision of the draft, and
   * starting to build must not make another one. Which of the last steps is shown on return follows from the newest run.
   */
  const step = ref<WizardStep>('topology')

  function go(to: WizardStep): void {
    if (draft.value === null) return
    step.value = to
    const kept = to === 'build' || to === 'served' ? 'review' : to
    if (draft.value.step !== kept) draft.value.step = kept
    reached.value = Math.max(reached.value, wizardSteps.indexOf(to))
  }

  const problems = computed<readonly Problem[]>(() => (draft.value ? checkDraft(draft.value) : []))

  function pathOf(problem: Problem): string {
    return problem.where?.kind === 'field' ? problem.where.path : ''
  }

  function isAttempted(of: WizardStep): boolean {
    return attempted.value.has(of)
  }

  /** Whose field a problem is about, as a person would say it: the host's or service's own name, else nothing. */
  function ownerOf(problem: Problem): string {
    const [area, index] = pathOf(problem).split('.')
    const at = Number(index)
    if (draft.value === null || !Number.isInteger(at)) return ''
    if (area === 'directors') return draft.value.directors[at]?.name ?? ''
    if (area === 'realServers') return draft.value.realServers[at]?.name ?? ''
    if (area === 'services') return draft.value.services[at]?.name ?? ''
    return ''
  }

  function problemsOf(of: WizardStep): readonly Problem[] {
    return problems.value.filter((problem) => stepOfField(pathOf(problem)) === of)
  }

  /** The problems to show at a field: only once it was left, or the step was tried to be left. */
  function shownAt(path: string): readonly Problem[] {
    return problems.value.filter(
      (problem) => pathOf(problem) === path && (touched.value.has(path) || attempted.value.has(stepOfField(path))),
    )
  }

  function touch(path: string): void {
    touched.value.add(path)
  }

  /** Goes on when nothing blocks here; otherwise every problem of the step is shown. */
  function next(): boolean {
    attempted.value.add(step.value)
    if (problemsOf(step.value).some((problem) => problem.severity === 'block')) return false
    const to = wizardSteps[wizardSteps.indexOf(step.value) + 1]
    if (to) go(to)
    return true
  }

  function back(): void {
    const to = wizardSteps[wizardSteps.indexOf(step.value) - 1]
    if (to) go(to)
  }

  /** Goes to the step that shows a field, with its problems shown. */
  function goToField(path: string): void {
    const to = stepOfField(path)
    attempted.value.add(to)
    go(to)
  }

  function triedOf(host: HostDraft): Tried | undefined {
    const known = tries.value[host.id]
    return known?.login === loginOf(host) ? known.tried : undefined
  }

  function factsOf(host: HostDraft): HostFacts | undefined {
    const tried = triedOf(host)
    return tried?.kind === 'facts' ? tried.facts : undefined
  }

  /** A password as typed: in this window's memory, and handed to the core before it is needed. */
  function typeSecret(host: HostDraft, kind: SecretKind, secret: string): void {
    secrets.set(`${host.id} ${kind}`, { secret, keptFor: '' })
  }

  function typedSecret(host: HostDraft, kind: SecretKind): string {
    return secrets.get(`${host.id} ${kind}`)?.secret ?? ''
  }

  /** The password of a host on the way; it belongs to that host, whoever is reached over it. */
  function typeJumpSecret(jump: Jump, secret: string): void {
    secrets.set(jumpText(jump), { secret, keptFor: '' })
  }

  function typedJumpSecret(jump: Jump): string {
    return secrets.get(jumpText(jump))?.secret ?? ''
  }

  async function handSecret(
    name: string,
    kind: SecretKind,
    owner: { readonly address: string; readonly port: number; readonly user: string },
  ): Promise<readonly Problem[]> {
    const typed = secrets.get(name)
    const keptFor = `${owner.address}:${owner.port} ${owner.user}`
    if (!typed || typed.secret === '' || typed.keptFor === keptFor || !Number.isInteger(owner.port)) return []
    const answer = await bridge().ask('secrets.keep', { ...owner, kind, secret: typed.secret })
    if (!answer.ok) return answer.problems
    typed.keptFor = keptFor
    return []
  }

  async function handSecrets(host: HostDraft): Promise<readonly Problem[]> {
    const owner = { address: host.address.trim(), port: Number(host.port), user: host.user.trim() }
    for (const kind of ['password', 'passphrase', 'sudo', 'code'] as const) {
      const refused = await handSecret(`${host.id} ${kind}`, kind, owner)
      if (refused.length > 0) return refused
      // A code is good for one login.
      if (kind === 'code') secrets.delete(`${host.id} code`)
    }
    for (const jump of readJumps(host.login.jump ?? '') ?? []) {
      if (typedJumpSecret(jump) === '') continue
      const configured = await bridge().ask('hosts.config', { address: jump.address })
      const known = configured.ok ? configured.value : null
      const refused = await handSecret(jumpText(jump), 'password', {
        address: jump.address,
        port: jump.port ?? known?.port ?? sshPort,
        user: jump.user ?? known?.user ?? 'root',
      })
      if (refused.length > 0) return refused
    }
    return []
  }

  /**
   * Fills in what ~/.ssh/config says about the address that was just typed, where nothing else was typed yet; answers what it says, to be
   * shown.
   */
  async function configure(host: HostDraft): Promise<SshConfigured | null> {
    const address = host.address.trim()
    if (address === '') return null
    const answer = await bridge().ask('hosts.config', { address })
    if (!answer.ok || answer.value === null || host.address.trim() !== address) return null
    const { hostName, port, user, keyFile } = answer.value
    if (port !== undefined && host.port.trim() === String(sshPort)) host.port = String(port)
    if (user !== undefined && host.user.trim() === 'root') host.user = user
    if (keyFile !== undefined && host.login.kind === 'key') host.login.keyFile = keyFile
    if (hostName !== address && isIpv4(hostName) && host.clusterAddress.trim() === '') host.clusterAddress = hostName
    return answer.value
  }

  function plainHost(host: HostDraft): HostDraft {
    const { id, name, address, port, user, login, clusterAddress } = host
    return {
      id,
      name,
      address: address.trim(),
      port: port.trim(),
      user: user.trim(),
      login: { ...login },
      clusterAddress,
    }
  }

  /** Logs in once and looks around; read-only. */
  async function tryHost(host: HostDraft): Promise<void> {
    const login = loginOf(host)
    const set = (tried: Tried) => (tries.value[host.id] = { login, tried })
    set({ kind: 'trying' })
    const refused = await handSecrets(host)
    if (refused.length > 0) {
      set({ kind: 'problems', problems: refused })
      return
    }
    const answer = await bridge().ask('hosts.try', { host: plainHost(host) })
    if (tries.value[host.id]?.login !== login) return
    set(answer.ok ? answer.value : { kind: 'problems', problems: answer.problems })
  }

  async function trust(host: HostDraft, key: HostKey): Promise<void> {
    const { address, port, algorithm, fingerprint } = key
    const answer = await bridge().ask('hosts.trust', { address, port, algorithm, fingerprint })
    if (answer.ok) await tryHost(host)
    else tries.value[host.id] = { login: loginOf(host), tried: { kind: 'problems', problems: answer.problems } }
  }

  /** Reads the cluster that runs on the directors of this draft into it; answers what of its file the draft does not hold. */
  async function adopt(): Promise<Adopted> {
    const current = draft.value
    if (current === null || !(await keep())) return { kind: 'problems', problems: keepProblems.value }
    for (const host of current.directors) await handSecrets(host)
    const { id, name, directors } = JSON.parse(JSON.stringify(current)) as ClusterDraft
    const answer = await bridge().ask('clusters.adopt', { id, name: name.trim() || id, directors })
    if (!answer.ok) return { kind: 'problems', problems: answer.problems }
    const kept = await bridge().ask('drafts.get', { id })
    if (!kept.ok) return { kind: 'problems', problems: kept.problems }
    if (draft.value?.id === id) {
      takeKept(kept.value)
      go('directors')
      reached.value = wizardSteps.indexOf('review')
    }
    return { kind: 'read', file: answer.value.file, left: answer.value.left }
  }

  /** Saves, then lets the core look at the hosts and make the plan. */
  async function makePlan(): Promise<void> {
    if (draft.value === null) return
    planning.value = { kind: 'making' }
    const id = draft.value.id
    const kept = await keep()
    if (!kept) {
      planning.value = { kind: 'problems', problems: keepProblems.value }
      return
    }
    for (const host of [...draft.value.directors, ...draft.value.realServers]) await handSecrets(host)
    const answer = await bridge().ask('plan.make', { draftId: id })
    if (draft.value?.id !== id) return
    planning.value = answer.ok ? { kind: 'made', plan: answer.value } : { kind: 'problems', problems: answer.problems }
  }

  return {
    draft,
    revision,
    savedAtMs,
    keeping,
    keepProblems,
    opening,
    openProblems,
    reached,
    planning,
    step,
    problems,
    begin,
    open,
    keep,
    loadOther,
    keepMine,
    go,
    goToField,
    next,
    back,
    problemsOf,
    pathOf,
    ownerOf,
    isAttempted,
    suggestLogin,
    shownAt,
    touch,
    triedOf,
    factsOf,
    typeSecret,
    typedSecret,
    typeJumpSecret,
    typedJumpSecret,
    configure,
    handSecrets,
    plainHost,
    tryHost,
    trust,
    makePlan,
    adopt,
  }
})
