/** The keys that hold on every page, and the choices of the desktop's own menu. */
import { onBeforeUnmount, onMounted } from 'vue'
import type { MenuItem } from '../domain/contract/app.ts'
import { bridge } from './bridge.ts'

const isMac = /mac|iphone|ipad/i.test(navigator.platform)

/** How the key of the palette is written on this machine. */
export const paletteKey = isMac ? '⌘K' : 'Ctrl K'

/** Calls `chosen` for a key or a menu item while the calling component lives. */
export function useShortcuts(chosen: (item: MenuItem) => void): void {
  let stop = (): void => undefined
  function press(event: KeyboardEvent): void {
    const withKey = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
    if (!withKey || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'k') return
    event.preventDefault()
    chosen('palette')
  }
  onMounted(() => {
    // Before any field takes the key for itself.
    window.addEventListener('keydown', press, { capture: true })
    stop = bridge().on('menu.chosen', ({ item }) => chosen(item))
  })
  onBeforeUnmount(() => {
    window.removeEventListener('keydown', press, { capture: true })
    stop()
  })
}
