/**
 * The window: how it is opened and what its page may not do. The page is ours, but it shows text that comes from hosts and files, so
 * it runs in Chromium's sandbox with no Node, cannot leave its address, opens no other window and gets no device.
 */
import type { BrowserWindowConstructorOptions } from 'electron'
import { isOwnPage } from './page.ts'

/** Smallest and first size in device-independent pixels; the screen is designed from 1024 × 700 up. */
export const leastSize = { width: 1024, height: 700 } as const
const firstSize = { width: 1280, height: 860 } as const

export interface Bounds {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface WindowState {
  readonly bounds?: Bounds
  readonly maximized: boolean
}

export function windowOptions(preload: string, state: WindowState): BrowserWindowConstructorOptions {
  return {
    ...firstSize,
    ...state.bounds,
    minWidth: leastSize.width,
    minHeight: leastSize.height,
    title: 'Shoal',
    show: false,
    backgroundColor: '#f4f6f8',
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
    },
  }
}

/** The part of webContents that is guarded. */
export interface GuardedContents {
  setWindowOpenHandler(handler: (details: { readonly url: string }) => { action: 'deny' }): void
  on(
    name: 'will-navigate' | 'will-frame-navigate' | 'will-redirect' | 'will-attach-webview',
    listener: (event: { preventDefault(): void; readonly url?: string }) => void,
  ): unknown
}

/** No other page, no other window, no guest: reloading our own page is all that is left. */
export function guardContents(contents: GuardedContents, home: string): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect'] as const)
    contents.on(name, (event) => {
      if (!isOwnPage(event.url ?? '', home)) event.preventDefault()
    })
  contents.on('will-attach-webview', (event) => event.preventDefault())
}

/** The part of a session that is guarded. */
export interface GuardedSession {
  setPermissionRequestHandler(
    handler: (contents: unknown, permission: string, decide: (granted: boolean) => void) => void,
  ): void
  setPermissionCheckHandler(handler: (contents: unknown, permission: string) => boolean): void
  setDevicePermissionHandler(handler: () => boolean): void
}

/** Copying to the clipboard (it needs a click anyway), and notifications, which the operator switches on in the settings. */
const granted: ReadonlySet<string> = new Set(['clipboard-sanitized-write', 'notifications'])

export function guardSession(session: GuardedSession): void {
  session.setPermissionRequestHandler((_contents, permission, decide) => decide(granted.has(permission)))
  session.setPermissionCheckHandler((_contents, permission) => granted.has(permission))
  session.setDevicePermissionHandler(() => false)
}
