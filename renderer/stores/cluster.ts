/**
 * The cluster on the screen: watched while a page of it is open, with its status, its history and its file. The status is one plain
 * value that is replaced, never looked into by the reactivity; what comes in between is put together and shown a few times a second.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { Answer } from '../../domain/contract/app.ts'
import type { JournalEntry } from '../../domain/contract/agent.ts'
import type { Problem } from '../../domain/problem.ts'
import { afterChange } from '../../domain/status.ts'
import type { ClusterStatus } from '../../domain/status.ts'
import { bridge, connection } from '../bridge.ts'
import { mergeJournal } from '../history.ts'
import { createTraffic } from '../traffic.ts'

/** More history than this is not asked for at once. */
const historyLimit = 10_000
/** A status is shown at most this often; a new verdict at once. */
const showMs = 250

export const useClusterStore = defineStore('cluster', () => {
  const id = ref<string | null>(null)
  const about = shallowRef<Answer<'clusters.get'> | null>(null)
  const status = shallowRef<ClusterStatus | null>(null)
  /** This machine's clock minus the core's, in ms, as of the newest status: ages are counted with it. */
  const skewMs = ref(0)
  const problems = ref<readonly Problem[]>([])
  const journal = shallowRef<readonly JournalEntry[]>([])
  const historyState = ref<'not-asked' | 'loading' | 'loaded' | 'failed'>('not-asked')
  const historyProblems = ref<readonly Problem[]>([])
  const traffic = createTraffic()
  /** Rises with every sample of the traffic: what is drawn from it is drawn again. */
  const sampled = ref(0)
  let newest: ClusterStatus | null = null
  let showing: ReturnType<typeof setTimeout> | undefined
  let stop: (() => void)[] = []

  function show(): void {
    clearTimeout(showing)
    showing = undefined
    if (!newest || newest === status.value) return
    status.value = newest
    skewMs.value = Date.now() - newest.atMs
    if (traffic.note(newest, newest.atMs)) sampled.value += 1
  }

  function take(fresh: ClusterStatus): void {
    const news = fresh.verdict.kind !== newest?.verdict.kind
    newest = fresh
    if (news) show()
    else showing ??= setTimeout(show, showMs)
  }

  async function ask(): Promise<void> {
    const asked = id.value
    if (asked === null) return
    const [known, watched] = await Promise.all([
      bridge().ask('clusters.get', { id: asked }),
      bridge().ask('clusters.watch', { id: asked }),
    ])
    if (id.value !== asked) return
    problems.value = [...(known.ok ? [] : known.problems), ...(watched.ok ? [] : watched.problems)]
    if (known.ok) about.value = known.value
    if (!watched.ok) return
    newest = watched.value
    show()
  }

  /** Shows and watches a cluster; the one shown before is left. */
  function open(clusterId: string): void {
    if (id.value === clusterId) return
    close()
    id.value = clusterId
    stop = [
      bridge().on('cluster.status', (change) => {
        // Before the whole is there, a difference says nothing.
        if (change.clusterId === id.value && newest) take(afterChange(newest, change))
      }),
      bridge().on('cluster.journal', (fresh) => {
        if (fresh.clusterId === id.value && historyState.value === 'loaded') {
          journal.value = mergeJournal(journal.value, fresh.entries)
        }
      }),
      watch(
        () => connection.returns,
        () => {
          void ask()
          if (historyState.value !== 'not-asked') void loadHistory()
        },
      ),
    ]
    void ask()
  }

  function close(): void {
    if (id.value === null) return
    for (const end of stop) end()
    stop = []
    clearTimeout(showing)
    showing = undefined
    void bridge().ask('clusters.unwatch', { id: id.value })
    id.value = null
    about.value = null
    newest = null
    status.value = null
    problems.value = []
    journal.value = []
    historyState.value = 'not-asked'
    historyProblems.value = []
    traffic.forget()
  }

  /** The same id is another cluster now (a simulated one that was started anew). */
  function reopen(): void {
    const same = id.value
    if (same === null) return
    close()
    open(same)
  }

  async function loadHistory(): Promise<void> {
    const asked = id.value
    if (asked === null) return
    if (historyState.value !== 'loaded') historyState.value = 'loading'
    const answer = await bridge().ask('clusters.history', { id: asked, limit: historyLimit })
    if (id.value !== asked) return
    if (answer.ok) {
      journal.value = mergeJournal([], answer.value.entries)
      historyProblems.value = answer.value.missing
      historyState.value = 'loaded'
    } else {
      historyProblems.value = answer.problems
      historyState.value = 'failed'
    }
  }

  async function handOver(): Promise<readonly Problem[]> {
    if (id.value === null) return []
    const answer = await bridge().ask('clusters.hand-over', { id: id.value })
    return answer.ok ? [] : answer.problems
  }

  const name = computed(() => about.value?.summary.name ?? '')
  const simulated = computed(() => about.value?.summary.simulated === true)

  return {
    id,
    about,
    name,
    simulated,
    status,
    skewMs,
    problems,
    journal,
    historyState,
    historyProblems,
    traffic,
    sampled,
    open,
    close,
    reopen,
    ask,
    loadHistory,
    handOver,
  }
})
