/** What the hosts and the build put in front of the screen. */
/// <reference types="vite/client" />
import type { Bridge } from '../domain/contract/app.ts'

declare global {
  interface Window {
    /** Present in the desktop window: the preload's two functions. */
    readonly shoal?: Bridge
  }
}
