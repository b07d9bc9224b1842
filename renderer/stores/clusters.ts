/** What the start page and the rail list: the clusters this app knows, and the drafts to continue. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import type { KeptDraft } from '../../domain/cluster.ts'
import type { UnfinishedRun } from '../../domain/contract/app.ts'
import type { Problem } from '../../domain/problem.ts'
import type { ClusterSummary, Verdict } from '../../domain/status.ts'
import { bridge, connection } from '../bridge.ts'

/** What an event or the list last said of a cluster, and when it arrived here. */
export interface Heard {
  readonly verdict: Verdict
  readonly atMs: number
}

export const useClustersStore = defineStore('clusters', () => {
  const clusters = ref<readonly ClusterSummary[]>([])
  const drafts = ref<readonly KeptDraft[]>([])
  const unfinished = ref<readonly UnfinishedRun[]>([])
  const heard = ref<Record<string, Heard>>({})
  const state = ref<'loading' | 'loaded' | 'failed'>('loading')
  const problems = ref<readonly Problem[]>([])
  const watched = new Set<string>()
  let listening = false

  async function load(): Promise<void> {
    listen()
    const [known, kept, ended] = await Promise.all([
      bridge().ask('clusters.list', {}),
      bridge().ask('drafts.list', {}),
      bridge().ask('runs.unfinished', {}),
    ])
    if (ended.ok) unfinished.value = ended.value
    if (!known.ok || !kept.ok) {
      problems.value = [...(known.ok ? [] : known.problems), ...(kept.ok ? [] : kept.problems)]
      if (state.value === 'loading') state.value = 'failed'
      return
    }
    clusters.value = known.value
    drafts.value = kept.value
    const atMs = Date.now()
    for (const cluster of known.value) {
      if (cluster.verdict) heard.value[cluster.id] = { verdict: cluster.verdict, atMs }
    }
    problems.value = []
    state.value = 'loaded'
    const there = new Set(known.value.map(({ id }) => id))
    for (const id of [...watched]) if (!there.has(id)) watched.delete(id)
    for (const cluster of known.value) if (!watched.has(cluster.id)) void watchOne(cluster.id)
  }

  /** A cluster in the list is watched as long as this window is open, so that its state is news and not a memory. */
  async function watchOne(id: string): Promise<void> {
    watched.add(id)
    const answer = await bridge().ask('clusters.watch', { id })
    if (answer.ok) heard.value[id] = { verdict: answer.value.verdict, atMs: Date.now() }
    else watched.delete(id)
  }

  function listen(): void {
    if (listening) return
    listening = true
    bridge().on('clusters.changed', () => void load())
    bridge().on('cluster.status', ({ clusterId, verdict }) => {
      heard.value[clusterId] = { verdict, atMs: Date.now() }
    })
    watch(
      () => connection.returns,
      () => {
        watched.clear()
        void load()
      },
    )
  }

  async function forgetDraft(id: string): Promise<readonly Problem[]> {
    const answer = await bridge().ask('drafts.forget', { id })
    await load()
    return answer.ok ? [] : answer.problems
  }

  async function forgetCluster(id: string): Promise<readonly Problem[]> {
    if (watched.delete(id)) await bridge().ask('clusters.unwatch', { id })
    const answer = await bridge().ask('clusters.forget', { id })
    await load()
    return answer.ok ? [] : answer.problems
  }

  return { clusters, drafts, unfinished, heard, state, problems, load, forgetDraft, forgetCluster }
})
