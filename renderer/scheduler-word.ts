import { schedulers } from '../domain/cluster-lvscf.ts'
import type { MessageKey } from './i18n/speech.ts'

/** A scheduler as the screen calls it; one Shoal has no word for by the kernel's name. */
export function schedulerWord(say: (key: MessageKey) => string, name: string): string {
  const known = schedulers.find((one) => one === name)
  return known ? say(`scheduler.${known}`) : name
}
