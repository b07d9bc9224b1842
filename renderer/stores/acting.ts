/** What is done to the cluster on the screen: orders, drills under way and over, and the command log of both. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { Action, CommandLine, Drill, DrillKind } from '../../domain/acting.ts'
import type { Problem } from '../../domain/problem.ts'
import { bridge } from '../bridge.ts'

const commandsShown = 200

/**
 * What the operator is asked to confirm. Whoever wants something done (a button in a row, the picture's drawer, the command palette) asks
 * here; the one dialog for it shows what will happen and gives the order. Services and servers as the reports name them; of a change of
 * lvs.cf by their names in the draft, for what is not active is in no report.
 */
export type Asked =
  | { readonly kind: 'hand-over' }
  | { readonly kind: 'drill'; readonly drill: DrillKind }
  | { readonly kind: 'drain' | 'undrain' | 'weight'; readonly service: string; readonly server: string }
  | { readonly kind: 'activate' | 'deactivate'; readonly service: string; readonly server?: string }

export const useActingStore = defineStore('acting', () => {
  const id = ref<string | null>(null)
  const commands = shallowRef<readonly CommandLine[]>([])
  const drills = shallowRef<readonly Drill[]>([])
  const problems = ref<readonly Problem[]>([])
  const asked = shallowRef<Asked | null>(null)
  let listening = false

  function listen(): void {
    if (listening) return
    listening = true
    bridge().on('cluster.command', (line) => {
      if (line.clusterId === id.value) commands.value = [line, ...commands.value].slice(0, commandsShown)
    })
    bridge().on('cluster.drill', (drill) => {
      if (drill.clusterId === id.value) put(drill)
    })
  }

  function put(drill: Drill): void {
    const known = drills.value.some((one) => one.id === drill.id)
    drills.value = known ? drills.value.map((one) => (one.id === drill.id ? drill : one)) : [...drills.value, drill]
  }

  async function open(clusterId: string): Promise<void> {
    listen()
    id.value = clusterId
    commands.value = []
    drills.value = []
    problems.value = []
    asked.value = null
    const [log, made] = await Promise.all([
      bridge().ask('clusters.commands', { id: clusterId, limit: commandsShown }),
      bridge().ask('clusters.drills', { id: clusterId }),
    ])
    if (id.value !== clusterId) return
    if (log.ok) commands.value = log.value
    if (made.ok) drills.value = made.value
  }

  /** Gives an order; answers what stood in the way. */
  async function act(action: Action): Promise<readonly Problem[]> {
    if (id.value === null) return []
    const answer = await bridge().ask('clusters.act', { id: id.value, action })
    return answer.ok ? [] : answer.problems
  }

  async function drill(kind: DrillKind): Promise<readonly Problem[]> {
    if (id.value === null) return []
    const answer = await bridge().ask('clusters.drill', { id: id.value, kind })
    if (!answer.ok) return answer.problems
    // What the events tell of it may be here before the answer, and is newer.
    if (!drills.value.some((one) => one.id === answer.value.id)) put(answer.value)
    return []
  }

  const underWay = computed(() => drills.value.find(({ endedAtMs }) => endedAtMs === undefined))

  return { commands, drills, underWay, problems, asked, open, act, drill }
})
