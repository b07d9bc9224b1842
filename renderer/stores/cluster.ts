/** The cluster on the screen: watched while a page of it is open, with its status, its history and its file. */
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import type { Answer } from '../../domain/contract/app.ts'
import type { JournalEntry } from '../../domain/contract/agent.ts'
import type { Problem } from '../../domain/problem.ts'
import type { ClusterStatus } from '../../domain/status.ts'
import { bridge, connection } from '../bridge.ts'
import { mergeJournal } from '../history.ts'

/** More history than this is not asked for at once. */
const historyLimit = 2000

export const useClusterStore = defineStore('cluster', () => {
  const id = ref<string | null>(null)
  const about = ref<Answer<'clusters.get'> | null>(null)
  const status = ref<ClusterStatus | null>(null)
  /** This machine's clock minus the core's, in ms, as of the newest status: ages are counted with it. */
  const skewMs = ref(0)
  const problems = ref<readonly Problem[]>([])
  const journal = ref<readonly JournalEntry[]>([])
  const historyState = ref<'not-asked' | 'loading' | 'loaded' | 'failed'>('not-asked')
  const historyProblems = ref<readonly Problem[]>([])
  let stop: (() => void)[] = []

  function take(fresh: ClusterStatus): void {
    status.value = fresh
    skewMs.value = Date.now() - fresh.atMs
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
    if (watched.ok) take(watched.value)
  }

  /** Shows and watches a cluster; the one shown before is left. */
  function open(clusterId: string): void {
    if (id.value === clusterId) return
    close()
    id.value = clusterId
    stop = [
      bridge().on('cluster.status', (fresh) => {
        if (fresh.clusterId === id.value) take(fresh)
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
    void bridge().ask('clusters.unwatch', { id: id.value })
    id.value = null
    about.value = null
    status.value = null
    problems.value = []
    journal.value = []
    historyState.value = 'not-asked'
    historyProblems.value = []
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

  return {
    id,
    about,
    name,
    status,
    skewMs,
    problems,
    journal,
    historyState,
    historyProblems,
    open,
    close,
    ask,
    loadHistory,
    handOver,
  }
})
