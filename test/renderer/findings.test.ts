/** Preflight's findings: none is lost, whatever host it is about, and a script to run is shown whole. */
import { describe, expect, it } from 'vitest'
import Findings from '../../renderer/parts/Findings.vue'
import { fakePlan, fullDraft } from './fake-core.ts'
import { freshHost, show, until } from './host.ts'

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

  it('ignores a warning only with a reason, and shows an ignored one with reason, below the others', async () => {
    const { pinia, core } = freshHost()
    const draft = fullDraft('d')
    const plan = fakePlan(draft, 1)
    const names = new Map([['director-2', 'lvs2']])
    const shown = show(Findings, { plan, names }, pinia)
    const press = (text: string) => shown.findAll('button').find((button) => button.text() === text)
    await press('Ignore …')?.trigger('click')
    expect(press('Ignore it')?.attributes('disabled')).toBeDefined()
    await shown.find('form input').setValue('the lab has no NTP')
    await shown.find('form').trigger('submit')
    await until(() => core.asked.includes('findings.ignore'), 'the core was told')
    await until(() => shown.emitted('again') !== undefined, 'the plan is to be made again')
    shown.unmount()
    const ignored = { reason: 'the lab has no NTP', atMs: Date.now() }
    const findings = plan.findings.map((finding) => ({ ...finding, ignored }))
    const after = show(Findings, { plan: { ...plan, findings }, names }, pinia)
    expect(after.findAll('.note')).toHaveLength(0)
    expect(after.text()).toContain('the lab has no NTP')
    after.unmount()
  })
})
