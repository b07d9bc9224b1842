/** The drills of a cluster of real hosts: all four are there, and each says before it begins what it does to the host and how that ends. */
import { expect, it } from 'vitest'
import { nextTick } from 'vue'
import type { DrillKind } from '../../domain/acting.ts'
import DrillPanel from '../../renderer/parts/DrillPanel.vue'
import { useActingStore } from '../../renderer/stores/acting.ts'
import { fakeStatus } from './fake-core.ts'
import { freshHost, show } from './host.ts'

async function dialogOf(drill: DrillKind, props: object): Promise<string> {
  const { pinia } = freshHost()
  const status = fakeStatus('shop', 'served', Date.now())
  const part = show(DrillPanel, { status, skewMs: 0, deadtimeMs: 700, simulated: false, ...props }, pinia)
  expect(part.findAll('article button')).toHaveLength(4)
  useActingStore().asked = { kind: 'drill', drill }
  await nextTick()
  await nextTick()
  const text = document.querySelector('.el-dialog')?.textContent ?? ''
  part.unmount()
  return text
}

it('a cut says for how long, that the host ends it by itself, and what is promised', async () => {
  const text = await dialogOf('cut', {})
  expect(text).toContain('drops every packet on every interface but lo')
  expect(text).toContain('After 4 s a unit of lvs1 itself takes the filters out')
  expect(text).toContain('at most 1.0 s are promised')
  expect(await dialogOf('cut', { deadtimeMs: 5_000 })).toContain('After 15 s a unit of lvs1')
})

it('a power cycle says that the machine has to come back by itself', async () => {
  const text = await dialogOf('reboot', {})
  expect(text).toContain('must come back by itself')
  expect(text).toContain('waited for up to 15 min')
})

it('the simulated cluster keeps its own words', async () => {
  expect(await dialogOf('reboot', { simulated: true })).toContain('After four seconds lvs1 is switched on again')
  expect(await dialogOf('cut', { simulated: true })).toContain('After 4 s the cables are put back')
})
