/** Puts a fake core where the desktop window has its bridge, and mounts parts with the words and stores they need. */
import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import type { Pinia } from 'pinia'
import type { Component } from 'vue'
import type { Bridge, EventName, Events } from '../../domain/contract/app.ts'
import { i18n } from '../../renderer/i18n/speech.ts'
import { createFakeCore } from './fake-core.ts'
import type { FakeCore } from './fake-core.ts'

let current: FakeCore

// The screen takes its bridge once; each test puts another core behind it.
const bridge: Bridge = {
  ask: (name, args) => current.ask(name, args) as never,
  on: <N extends EventName>(name: N, heard: (event: Events[N]) => void) =>
    current.on((of, event) => {
      if ((of as EventName) === name) heard(event as unknown as Events[N])
    }),
}
Object.defineProperty(window, 'shoal', { value: bridge })

/** A new core and new stores. */
export function freshHost(options?: Parameters<typeof createFakeCore>[0]): { core: FakeCore; pinia: Pinia } {
  current = createFakeCore(options)
  const pinia = createPinia()
  setActivePinia(pinia)
  i18n.global.locale.value = 'en'
  return { core: current, pinia }
}

/** Mounts a part in the page, so that focus and labels work. */
export function show(part: Component, props: Record<string, unknown>, pinia: Pinia) {
  return mount(part, { props, attachTo: document.body, global: { plugins: [pinia, i18n] } })
}

/** Waits until something holds; fails after a second with what was waited for. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const endMs = Date.now() + 1000
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`waited in vain: ${what}`)
    await new Promise((done) => setTimeout(done, 5))
  }
}
