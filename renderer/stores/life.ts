/** A cluster after its first day: the change being made, its revisions, the trace last asked for, and the order to remove it. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { changeOver } from '../../domain/life.ts'
import type { Change, ChangePlan, Revision } from '../../domain/life.ts'
import type { Plan, Run } from '../../domain/plan.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import type { Trace } from '../../domain/trace.ts'
import { bridge } from '../bridge.ts'

type Asking = 'none' | 'planning' | 'starting' | 'tracing' | 'upgrading' | 'rotating' | 'removing' | 'restoring'

export const useLifeStore = defineStore('life', () => {
  const clusterId = ref<string | null>(null)
  const change = shallowRef<Change | null>(null)
  const plan = shallowRef<ChangePlan | null>(null)
  const revisions = shallowRef<readonly Revision[]>([])
  const trace = shallowRef<Trace | null>(null)
  const upgrade = shallowRef<Plan | null>(null)
  /** The run of an upgrade or of the removal. */
  const run = shallowRef<Run | null>(null)
  const asking = ref<Asking>('none')
  const problems = ref<readonly Problem[]>([])
  let listening = false

  function listen(): void {
    if (listening) return
    listening = true
    bridge().on('change.changed', (changed) => {
      if (changed.clusterId !== clusterId.value) return
      change.value = changed
      if (changed.state === 'done') void loadRevisions(changed.clusterId)
    })
    bridge().on('run.changed', (changed) => {
      if (changed.clusterId === clusterId.value) run.value = changed
    })
  }

  async function loadRevisions(id: string): Promise<void> {
    const answer = await bridge().ask('revisions.list', { id })
    if (clusterId.value === id && answer.ok) revisions.value = answer.value
  }

  async function open(id: string): Promise<void> {
    listen()
    if (clusterId.value !== id) {
      clusterId.value = id
      change.value = null
      plan.value = null
      trace.value = null
      upgrade.value = null
      run.value = null
      problems.value = []
    }
    const known = await bridge().ask('change.of-cluster', { id })
    if (clusterId.value === id && known.ok) change.value = known.value
    await loadRevisions(id)
  }

  /** Asks one thing at a time; what came back is taken when the cluster is still the same. */
  async function ask<T>(what: Asking, asked: (id: string) => Promise<Result<T>>): Promise<T | undefined> {
    const id = clusterId.value
    if (id === null || asking.value !== 'none') return undefined
    asking.value = what
    const answer = await asked(id)
    asking.value = 'none'
    if (clusterId.value !== id) return undefined
    problems.value = answer.ok ? [] : answer.problems
    return answer.ok ? answer.value : undefined
  }

  async function planChange(): Promise<void> {
    plan.value = (await ask('planning', (id) => bridge().ask('change.plan', { id }))) ?? null
  }

  async function startChange(reason: string): Promise<void> {
    const draftRevision = plan.value?.draftRevision
    if (draftRevision === undefined) return
    const begun = await ask('starting', (id) => bridge().ask('change.start', { id, draftRevision, reason }))
    if (begun) plan.value = null
  }

  async function restore(number: number): Promise<void> {
    const done = await ask('restoring', (id) => bridge().ask('revisions.restore', { id, number }))
    if (done) await planChange()
  }

  async function traceNow(): Promise<void> {
    const found = await ask('tracing', (id) => bridge().ask('clusters.trace', { id }))
    if (found) trace.value = found
  }

  async function planUpgrade(): Promise<void> {
    upgrade.value = (await ask('planning', (id) => bridge().ask('upgrade.plan', { id }))) ?? null
  }

  async function startUpgrade(): Promise<boolean> {
    upgrade.value = null
    return (await ask('upgrading', (id) => bridge().ask('upgrade.start', { id }))) !== undefined
  }

  async function rotateKey(): Promise<boolean> {
    return (await ask('rotating', (id) => bridge().ask('clusters.rotate-key', { id }))) !== undefined
  }

  async function removeAll(): Promise<void> {
    await ask('removing', (id) => bridge().ask('clusters.remove', { id }))
  }

  const busy = computed(() => change.value !== null && !changeOver.includes(change.value.state))

  return {
    change,
    plan,
    revisions,
    trace,
    upgrade,
    run,
    asking,
    problems,
    busy,
    open,
    planChange,
    startChange,
    restore,
    traceNow,
    planUpgrade,
    startUpgrade,
    rotateKey,
    removeAll,
  }
})
