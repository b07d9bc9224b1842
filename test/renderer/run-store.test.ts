/** A run is followed whole: nothing twice, nothing missed, also by a window that comes later. */
import { describe, expect, it } from 'vitest'
import { useRunStore } from '../../renderer/stores/run.ts'
import { useWizardStore } from '../../renderer/stores/wizard.ts'
import { freshHost, until } from './host.ts'

describe('following a run', () => {
  it('shows every line once and ends with the proof', async () => {
    const { core } = freshHost({ stepMs: 2 })
    const wizard = useWizardStore()
    const store = useRunStore()
    await wizard.open('draft-full')
    await wizard.makePlan()
    await store.start('draft-full', wizard.revision)
    expect(store.busy).toBe(true)
    await until(() => store.run?.state === 'done', 'the run is done')
    const all = await core.ask('run.output', { runId: 'draft-full' })
    const shown = Object.values(store.lines).reduce((sum, lines) => sum + lines.length, 0)
    expect(shown).toBe(all.ok ? (all.value as unknown[]).length : -1)
    expect(store.run?.proof.every((line) => line.passed)).toBe(true)
    expect([...store.progress.values()].every((step) => step.state === 'done')).toBe(true)
  })

  it('comes back to it after the window was closed', async () => {
    const { core } = freshHost({ stepMs: 1 })
    await core.ask('run.start', { draftId: 'draft-full', draftRevision: 1 })
    const store = useRunStore()
    await store.follow('draft-full')
    expect(store.run?.draftId).toBe('draft-full')
    await until(() => store.run?.state === 'done', 'the run is done')
  })

  it('says that the plan is outdated when the draft changed after it was made', async () => {
    freshHost()
    const store = useRunStore()
    await store.start('draft-full', 99)
    expect(store.problems.map((problem) => problem.code)).toEqual(['plan-outdated'])
    expect(store.run).toBeNull()
  })
})
