import { expect, it } from 'vitest'
import { openWatchdog } from './watchdog.ts'

it('the limit is told when it changes, and again until systemd has heard it', () => {
  const said: string[] = []
  let hears = true
  const alive = openWatchdog(false, (text) => (said.push(text), hears))
  alive(false)
  hears = false
  alive(true)
  hears = true
  alive(true)
  alive(true)
  alive(false)
  expect(said).toEqual([
    'WATCHDOG=1',
    'WATCHDOG=1\nWATCHDOG_USEC=900000',
    'WATCHDOG=1\nWATCHDOG_USEC=900000',
    'WATCHDOG=1',
    'WATCHDOG=1\nWATCHDOG_USEC=10000000',
  ])
})

it('leaves more time where the guard notices hanging itself', () => {
  const said: string[] = []
  openWatchdog(true, (text) => said.push(text) > 0)(true)
  expect(said).toEqual(['WATCHDOG=1\nWATCHDOG_USEC=2000000'])
})
