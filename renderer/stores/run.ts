/** A run of a plan as it is followed on the screen: its state from the core, and the hosts' live output. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { Run, RunLine, StepProgress } from '../../domain/plan.ts'
import type { Problem } from '../../domain/problem.ts'
import { bridge, connection } from '../bridge.ts'

/** Lines kept per host in the window; the whole output stays with the core. */
const linesPerHost = 1000

export const useRunStore = defineStore('run', () => {
  const draftId = ref<string | null>(null)
  const run = shallowRef<Run | null>(null)
  const lines = ref<Record<string, RunLine[]>>({})
  const problems = ref<readonly Problem[]>([])
  const asking = ref(false)
  let fetching: RunLine[] | null = null
  let listening = false

  function listen(): void {
    if (listening) return
    listening = true
    bridge().on('run.changed', (changed) => {
      if (changed.draftId === draftId.value) run.value = changed
    })
    bridge().on('run.line', (line) => {
      if (line.runId !== run.value?.id) return
      if (fetching) fetching.push(line)
      else append(line)
    })
    watch(
      () => connection.returns,
      () => {
        if (draftId.value !== null) void follow(draftId.value)
      },
    )
  }

  function append(line: RunLine): void {
    const ofHost = (lines.value[line.hostId] ??= [])
    ofHost.push(line)
    if (ofHost.length > linesPerHost) ofHost.splice(0, ofHost.length - linesPerHost)
  }

  function sameLine(a: RunLine, b: RunLine): boolean {
    return a.atMs === b.atMs && a.hostId === b.hostId && a.stepId === b.stepId && a.text === b.text
  }

  /** Comes back to the newest run of a draft, whichever window started it. */
  async function follow(id: string): Promise<void> {
    listen()
    if (draftId.value !== id) {
      draftId.value = id
      run.value = null
      lines.value = {}
    }
    const answer = await bridge().ask('run.of-draft', { draftId: id })
    if (draftId.value !== id) return
    if (!answer.ok) {
      problems.value = answer.problems
      return
    }
    problems.value = []
    if (answer.value !== null) {
      run.value = answer.value
      await loadOutput(answer.value.id)
    }
  }

  async function loadOutput(runId: string): Promise<void> {
    fetching = []
    const answer = await bridge().ask('run.output', { runId })
    const meanwhile = fetching
    fetching = null
    if (run.value?.id !== runId || !answer.ok) {
      for (const line of meanwhile) append(line)
      return
    }
    lines.value = {}
    for (const line of answer.value) append(line)
    const tail = answer.value.slice(-200)
    for (const line of meanwhile) if (!tail.some((known) => sameLine(known, line))) append(line)
  }

  async function start(id: string, draftRevision: number): Promise<void> {
    listen()
    draftId.value = id
    asking.value = true
    const answer = await bridge().ask('run.start', { draftId: id, draftRevision })
    asking.value = false
    if (!answer.ok) {
      problems.value = answer.problems
      return
    }
    problems.value = []
    lines.value = {}
    await follow(id)
  }

  /** Goes on with the run as it stands, or tries one step of it again. */
  async function resume(stepId?: string): Promise<void> {
    if (run.value === null) return
    asking.value = true
    const answer = await bridge().ask('run.resume', {
      runId: run.value.id,
      ...(stepId === undefined ? {} : { stepId }),
    })
    asking.value = false
    problems.value = answer.ok ? [] : answer.problems
  }

  async function order(name: 'run.cancel' | 'run.undo'): Promise<void> {
    if (run.value === null) return
    asking.value = true
    const answer = await bridge().ask(name, { runId: run.value.id })
    asking.value = false
    problems.value = answer.ok ? [] : answer.problems
  }

  const progress = computed<ReadonlyMap<string, StepProgress>>(
    () => new Map((run.value?.steps ?? []).map((step) => [step.stepId, step])),
  )
  const busy = computed(() => run.value !== null && ['running', 'proving', 'undoing'].includes(run.value.state))

  return {
    draftId,
    run,
    lines,
    problems,
    asking,
    progress,
    busy,
    follow,
    start,
    resume,
    cancel: () => order('run.cancel'),
    undo: () => order('run.undo'),
  }
})
