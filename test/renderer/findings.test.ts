/** Preflight's findings: none is lost, whatever host it is about, and a script to run is shown whole. */
import { describe, expect, it } from 'vitest'
import Findings from '../../renderer/parts/Findings.vue'
import { fakePlan, fullDraft } from './fake-core.ts'
import { freshHost, show } from './host.ts'

describe('findings', () => {
  it('shows the script for a real server that the plan does nothing to', () => {
    const { pinia } = freshHost()
    const draft = fullDraft('d')
    const [first, second] = draft.realServers
    if (!first || !second) throw new Error('no real servers')
    const plan = fakePlan({ ...draft, realServers: [{ ...first, setUp: 'script' }, second] }, 1)
    expect(plan.hosts.some((host) => host.hostId === first.id)).toBe(false)
    const shown = show(Findings, { plan, names: new Map([[first.id, 'rs1']]) }, pinia)
    expect(shown.find('pre[aria-label="Script for rs1"]').text()).toContain('ip address replace 192.168.2.27/32 dev lo')
    expect(shown.text()).toContain('The clock of')
    expect(shown.text()).toContain('Nothing to report on 2 hosts.')
    shown.unmount()
  })
})
