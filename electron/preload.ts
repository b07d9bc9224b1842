/** The preload of the sandboxed window: puts the bridge's two functions in front of the page, and nothing else. */
import { contextBridge, ipcRenderer } from 'electron'
import { preloadBridge } from './preload-bridge.ts'

contextBridge.exposeInMainWorld('shoal', preloadBridge(ipcRenderer))
