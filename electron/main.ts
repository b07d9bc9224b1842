/**
 * Host 1: the core in a desktop window. This file only connects Electron's parts to the small functions beside it, which decide and
 * are tested without the runtime.
 */
import { execFile } from 'node:child_process'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  nativeImage,
  protocol,
  safeStorage,
  screen,
  session,
  Tray,
} from 'electron'
import { openAudit } from '../core/audit.ts'
import { createCore } from '../core/core.ts'
import { defaultDataDir } from '../core/data-dir.ts'
import { ownDataDir } from '../core/data-dir-owner.ts'
import { allLogs, fileLog, lineLog } from '../core/log.ts'
import { readOffered } from '../core/offered.ts'
import { version } from '../core/version.ts'
import type { Answer, MenuItem } from '../domain/contract/app.ts'
import type { Result } from '../domain/problem.ts'
import { speak } from '../domain/speech/speech.ts'
import { connectWindows } from './bridge.ts'
import { eventChannel } from './channels.ts'
import { fileDialogs } from './file-dialogs.ts'
import type { ChooseFile } from './file-dialogs.ts'
import { keychain } from './keychain.ts'
import { menuLanguage, menuTemplate, menuWords } from './menu.ts'
import { pageAddress, scheme, schemePrivileges, screenHandler } from './page.ts'
import { agentDir, readStart } from './start.ts'
import { busTimeoutMs, hasTray, keepTray, trayImages } from './tray.ts'
import type { TrayIcon } from './tray.ts'
import { guardContents, guardSession, windowOptions } from './window.ts'
import { keepWindowState, placeOnScreens, readWindowState } from './window-state.ts'

/** A core that does not close within this is left behind: the operator closed the window. */
const closeMostMs = 15_000

const builtScreen = path.join(import.meta.dirname, '../renderer')
/** The development server's page while developing; never in a packaged application. */
const home = (!app.isPackaged && process.env['ELECTRON_RENDERER_URL']) || pageAddress

const start = readStart(process.argv.slice(1), process.cwd())
const dataDir = start.data ?? defaultDataDir(process.platform, process.env, homedir())
const terminalLog = lineLog((line) => process.stderr.write(line), process.env['SHOAL_LOG'] === 'debug')
const log = allLogs(terminalLog, fileLog(dataDir))
// Chromium's own files are no part of the operator's data, and each data directory is one application.
app.setPath('userData', path.join(dataDir, 'window'))

app.enableSandbox()
protocol.registerSchemesAsPrivileged([{ scheme, privileges: schemePrivileges }])

let window: BrowserWindow | undefined
let placeKept: Promise<void> = Promise.resolve()

/** The page of a cluster, as the screen's router has it. */
const clusterAddress = (id: string) => `${home}#/cluster/${encodeURIComponent(id)}`
/** The page of a document, likewise. */
const documentAddress = (file: string) => `${home}#/document?file=${encodeURIComponent(file)}`

async function openWindow(address: string): Promise<void> {
  const displays = screen.getAllDisplays().map((display) => display.workArea)
  const state = placeOnScreens(await readWindowState(dataDir), displays)
  const opened = new BrowserWindow(windowOptions(path.join(import.meta.dirname, '../preload/preload.cjs'), state))
  window = opened
  if (state.maximized) opened.maximize()
  opened.once('ready-to-show', () => opened.show())
  opened.on('close', () => {
    const kept = { bounds: opened.getNormalBounds(), maximized: opened.isMaximized() }
    placeKept = keepWindowState(dataDir, kept).catch((error: Error) =>
      log('warn', 'window place not kept', { reason: error.message }),
    )
  })
  opened.on('closed', () => (window = undefined))
  await opened.loadURL(address)
}

/** Shows the window, at an address of our page if one is given. */
async function showAt(address?: string): Promise<void> {
  if (!window) return openWindow(address ?? home)
  if (window.isMinimized()) window.restore()
  window.focus()
  if (address !== undefined) await window.loadURL(address)
}

/** Shows the window, with a document if one is named. */
const show = (file?: string): Promise<void> => showAt(file === undefined ? undefined : documentAddress(file))

/** The icon beside the clock, as Electron has it. */
function trayIcon(image: string): TrayIcon {
  const tray = new Tray(nativeImage.createFromPath(image))
  return {
    setImage: (file) => tray.setImage(nativeImage.createFromPath(file)),
    setToolTip: (text) => tray.setToolTip(text),
    setMenu: (template) => tray.setContextMenu(Menu.buildFromTemplate(template)),
    onClick: (clicked) => void tray.on('click', clicked),
    destroy: () => tray.destroy(),
  }
}

/** Whether Shoal goes on when its last window is closed. */
let staysWithoutWindow = async (): Promise<boolean> => process.platform === 'darwin'

const chooseFile: ChooseFile = (purpose, suggested) =>
  fileDialogs(
    {
      open: (options) => (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options)),
      save: (options) => (window ? dialog.showSaveDialog(window, options) : dialog.showSaveDialog(options)),
    },
    menuWords(app.getLocale()),
  )(purpose, suggested)

async function openChosen(): Promise<void> {
  const file = await chooseFile('open')
  if (file !== undefined) await show(file)
}

async function run(): Promise<void> {
  await app.whenReady()
  guardSession(session.defaultSession)
  protocol.handle(scheme, screenHandler(builtScreen))

  const owned = await ownDataDir(dataDir, 'the Shoal window')
  if (!owned.ok) {
    const said = owned.problems.map((one) => speak(one, menuLanguage(app.getLocale())))
    dialog.showErrorBox('Shoal', said.map(({ says, remedy }) => `${says}\n\n${remedy}`).join('\n\n'))
    app.exit(1)
    return
  }
  const audit = openAudit(dataDir, log)

  const offered = start.offer === undefined ? undefined : await readOffered(start.offer)
  if (offered && !offered.ok)
    for (const one of offered.problems) log('warn', speak(one, 'en').says, { file: start.offer ?? '' })
  const secrets = keychain(safeStorage, dataDir)
  const sshAgentSocket = process.env['SSH_AUTH_SOCK']
  const core = await createCore({
    dataDir,
    home: homedir(),
    agentDir: agentDir(app.isPackaged, process.resourcesPath, app.getAppPath()),
    host: 'electron',
    chooseFile,
    version,
    log,
    ...(offered?.ok ? { offered: offered.value } : {}),
    ...(secrets ? { secrets } : {}),
    ...(sshAgentSocket ? { sshAgentSocket } : {}),
  })
  const receivers = () => BrowserWindow.getAllWindows().map(({ webContents }) => webContents)
  const disconnect = connectWindows({ ipc: ipcMain, core, receivers, home, log, audit })
  const askBus = async (command: string, args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(command, [...args], { timeout: busTimeoutMs })).stdout
  let endTray = (): void => undefined
  if (await hasTray(process.platform, askBus)) {
    const image = trayImages(app.isPackaged, process.resourcesPath, app.getAppPath())
    const open = (id?: string) => void showAt(id === undefined ? undefined : clusterAddress(id))
    const locale = app.getLocale()
    endTray = keepTray({ core, icon: trayIcon(image('stale')), image, locale, open, quit: () => app.quit(), log })
    staysWithoutWindow = async () => {
      const answer = (await core.ask('settings.get', {})) as Result<Answer<'settings.get'>>
      return process.platform === 'darwin' || (answer.ok && answer.value.settings.stayInTray)
    }
  }

  let closed = false
  app.on('before-quit', (event) => {
    if (closed) return
    event.preventDefault()
    for (const open of BrowserWindow.getAllWindows()) open.close()
    const overdue = new Promise<void>((resolve) => setTimeout(resolve, closeMostMs))
    disconnect()
    endTray()
    const settled = Promise.all([core.close().then(() => audit.close()), placeKept, owned.value()])
    void Promise.race([settled, overdue]).finally(() => {
      closed = true
      app.quit()
    })
  })

  const openFile = () => void openChosen()
  const choose = (item: MenuItem) =>
    void show().then(() => window?.webContents.send(eventChannel, 'menu.chosen', { item }))
  const template = menuTemplate({ locale: app.getLocale(), mac: process.platform === 'darwin', openFile, choose })
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
  await show(start.file)
}

if (app.requestSingleInstanceLock()) {
  app.on('web-contents-created', (_event, contents) => guardContents(contents, home))
  app.on('window-all-closed', () => {
    void staysWithoutWindow().then((stays) => {
      if (!stays) app.quit()
    })
  })
  const started = run()
  // What arrives before the core is there waits for it.
  const later = (file?: string) => void started.then(() => show(file))
  app.on('second-instance', (_event, argv, cwd) => later(readStart(argv.slice(1), cwd).file))
  app.on('activate', () => later())
  app.on('open-file', (event, file) => {
    event.preventDefault()
    later(file)
  })
  started.catch((error: unknown) => {
    log('error', 'Shoal could not start', { error: error instanceof Error ? (error.stack ?? '') : String(error) })
    app.exit(1)
  })
} else {
  app.quit()
}
