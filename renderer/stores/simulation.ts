/** The simulated cluster: what its panel shows, and the faults that are made with it. Started and ended here, never kept. */
import { defineStore } from 'pinia'
import { ref, shallowRef, watch } from 'vue'
import type { Forwarding } from '../../domain/config.ts'
import type { Problem } from '../../domain/problem.ts'
import type { Fault, SimulationState } from '../../domain/simulation.ts'
import { bridge, connection } from '../bridge.ts'

/** Says that somebody looks at it; well below the core's patience, also where a hidden window's timers are slowed. */
const seenEveryMs = 30_000

export const useSimulationStore = defineStore('simulation', () => {
  const state = shallowRef<SimulationState | null>(null)
  const problems = ref<readonly Problem[]>([])
  const starting = ref(false)
  let listening = false
  let seeing: ReturnType<typeof setInterval> | undefined

  function listen(): void {
    if (listening) return
    listening = true
    bridge().on('simulation.changed', (fresh) => (state.value = fresh))
    watch(
      () => connection.returns,
      () => void load(),
    )
  }

  async function load(): Promise<void> {
    listen()
    const answer = await bridge().ask('simulation.state', {})
    if (answer.ok) state.value = answer.value
  }

  /** While a page shows it. */
  function look(): void {
    void load()
    clearInterval(seeing)
    seeing = setInterval(() => void load(), seenEveryMs)
  }

  function lookAway(): void {
    clearInterval(seeing)
    seeing = undefined
  }

  /** Starts it, or takes the one that runs; answers whether it runs. */
  async function start(forwarding?: Forwarding): Promise<boolean> {
    listen()
    starting.value = true
    const answer = await bridge().ask('simulation.start', {
      forwarding: forwarding ?? state.value?.forwarding ?? 'direct',
    })
    starting.value = false
    problems.value = answer.ok ? [] : answer.problems
    if (answer.ok) state.value = answer.value
    return answer.ok
  }

  async function make(fault: Fault): Promise<void> {
    const answer = await bridge().ask('simulation.fault', { fault })
    problems.value = answer.ok ? [] : answer.problems
  }

  async function end(): Promise<void> {
    await bridge().ask('simulation.end', {})
    state.value = null
  }

  return { state, problems, starting, load, look, lookAway, start, make, end }
})
