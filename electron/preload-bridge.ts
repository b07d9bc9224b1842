/** The two functions the page gets, made from the IPC of a sandboxed preload. Nothing of Electron goes over with them. */
import type { Bridge } from '../domain/contract/app.ts'
import { askChannel, eventChannel } from './channels.ts'

/** The part of Electron's ipcRenderer that is used. */
export interface PageIpc {
  invoke(channel: string, ...args: unknown[]): Promise<unknown>
  on(channel: string, listener: (event: unknown, ...args: unknown[]) => void): unknown
  off(channel: string, listener: (event: unknown, ...args: unknown[]) => void): unknown
}

export function preloadBridge(ipc: PageIpc): Bridge {
  return {
    ask: (name, args) => ipc.invoke(askChannel, name, args) as ReturnType<Bridge['ask']> as never,
    on(name, heard) {
      const listener = (_event: unknown, said: unknown, event: unknown) => {
        if (said === name) heard(event as never)
      }
      ipc.on(eventChannel, listener)
      return () => {
        ipc.off(eventChannel, listener)
      }
    },
  }
}
