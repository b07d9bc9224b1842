/**
 * The icon beside the clock: the worst state of all clusters as a shape, and a menu with each cluster and its state. It watches the
 * clusters itself, so that it tells news also while no window is open; what is old is grey, as on the screen. A desktop without a place
 * for such icons gets none.
 */
import path from 'node:path'
import type { MenuItemConstructorOptions } from 'electron'
import type { Core, Log } from '../core/ports.ts'
import type { Result } from '../domain/problem.ts'
import type { Language } from '../domain/speech/speech.ts'
import type { ClusterStatus, ClusterSummary, Verdict } from '../domain/status.ts'
import { menuLanguage } from './menu.ts'

/** Without news for this long a state counts as unknown (as in the list of the screen). */
const staleAfterMs = 15_000
/** Ages are looked at this often. */
const lookEveryMs = 5_000
/** The session bus is asked for this long whether there is a tray. */
export const busTimeoutMs = 2_000

const words = {
  en: {
    open: 'Open Shoal',
    quit: 'Quit Shoal',
    none: 'No cluster is known',
    simulated: 'Simulated cluster',
    served: (by: string) => `served by ${by}`,
    standby: (by: string) => `served by ${by}, standby not ready`,
    problems: (by: string, n: number) => `served by ${by}, ${n} ${n === 1 ? 'problem' : 'problems'}`,
    partly: (served: number, of: number) => `${served} of ${of} virtual servers served`,
    'not-served': 'not served',
    'both-serve': 'both directors serve',
    unknown: 'unknown',
    line: (name: string, says: string) => `${name}: ${says}`,
  },
  'zh-CN': {
    open: '打开 Shoal',
    quit: '退出 Shoal',
    none: '没有已知的集群',
    simulated: '模拟集群',
    served: (by: string) => `由 ${by} 提供服务`,
    standby: (by: string) => `由 ${by} 提供服务，备用未就绪`,
    problems: (by: string, n: number) => `由 ${by} 提供服务，${n} 个问题`,
    partly: (served: number, of: number) => `${of} 个虚拟服务中 ${served} 个可用`,
    'not-served': '未提供服务',
    'both-serve': '两台调度器同时服务',
    unknown: '未知',
    line: (name: string, says: string) => `${name}：${says}`,
  },
} as const satisfies Record<Language, object>

/** From best to worst. What nobody answers for is worse than a warning: it may be anything. */
export const trayStates = ['ok', 'warn', 'stale', 'bad'] as const
export type TrayState = (typeof trayStates)[number]

/** A cluster as the tray knows it: what was heard last, and when (ms of this machine). */
export interface TrayCluster {
  readonly id: string
  readonly name: string
  readonly simulated: boolean
  readonly verdict?: Verdict
  readonly heardAtMs?: number
}

/** The verdict that may still be believed. */
function believed({ verdict, heardAtMs }: TrayCluster, nowMs: number): Verdict | undefined {
  return heardAtMs !== undefined && nowMs - heardAtMs <= staleAfterMs ? verdict : undefined
}

/** The state of a cluster; nothing heard lately is never green. */
export function trayStateOf(cluster: TrayCluster, nowMs: number): TrayState {
  const verdict = believed(cluster, nowMs)
  switch (verdict?.kind) {
    case 'served':
      return verdict.problems > 0 || verdict.standby === 'not-ready' || verdict.standby === 'unknown' ? 'warn' : 'ok'
    case 'partly-served':
      return 'warn'
    case 'not-served':
    case 'both-serve':
      return 'bad'
    default:
      return 'stale'
  }
}

/** The worst of all; the simulated cluster is nobody's trouble and does not count beside real ones. */
export function worstOf(clusters: readonly TrayCluster[], nowMs: number): TrayState {
  const real = clusters.filter(({ simulated }) => !simulated)
  const states = (real.length > 0 ? real : clusters).map((cluster) => trayStateOf(cluster, nowMs))
  return [...trayStates].reverse().find((state) => states.includes(state)) ?? 'ok'
}

function sentenceOf(cluster: TrayCluster, nowMs: number, locale: string): string {
  const say = words[menuLanguage(locale)]
  const verdict = believed(cluster, nowMs)
  const name = cluster.simulated ? say.simulated : cluster.name
  const says = (): string => {
    switch (verdict?.kind) {
      case 'served':
        if (verdict.standby === 'not-ready' || verdict.standby === 'unknown') return say.standby(verdict.by)
        return verdict.problems > 0 ? say.problems(verdict.by, verdict.problems) : say.served(verdict.by)
      case 'partly-served':
        return say.partly(verdict.served, verdict.virtualServers)
      case 'not-served':
      case 'both-serve':
        return say[verdict.kind]
      default:
        return say.unknown
    }
  }
  return say.line(name, says())
}

/** The menu: each cluster leads to its page. */
export function trayMenu(parts: {
  readonly clusters: readonly TrayCluster[]
  readonly nowMs: number
  readonly locale: string
  readonly image: (state: TrayState) => string
  readonly open: (clusterId?: string) => void
  readonly quit: () => void
}): MenuItemConstructorOptions[] {
  const { clusters, nowMs, locale } = parts
  const say = words[menuLanguage(locale)]
  const lines = clusters.map((cluster): MenuItemConstructorOptions => ({
    label: sentenceOf(cluster, nowMs, locale),
    icon: parts.image(trayStateOf(cluster, nowMs)),
    click: () => parts.open(cluster.id),
  }))
  return [
    ...(lines.length > 0 ? lines : [{ label: say.none, enabled: false }]),
    { type: 'separator' },
    { label: say.open, click: () => parts.open() },
    { label: say.quit, click: parts.quit },
  ]
}

/** Where the tray's icons are: beside the packaged application, or in the source tree. */
export function trayImages(packaged: boolean, resources: string, appPath: string): (state: TrayState) => string {
  const dir = packaged ? path.join(resources, 'tray') : path.join(appPath, 'resources/icons/tray')
  return (state) => path.join(dir, `${state}.png`)
}

/** Asks the session bus, `command` with its words; the answer is what it printed. */
export type AskBus = (command: string, args: readonly string[]) => Promise<string>

/**
 * Whether this desktop shows icons beside the clock. On Linux somebody has to own the name of the watcher of such icons (GNOME without an
 * extension has nobody); the others always do.
 */
export async function hasTray(platform: NodeJS.Platform, ask: AskBus): Promise<boolean> {
  if (platform !== 'linux') return true
  const name = 'org.kde.StatusNotifierWatcher'
  const bus = 'org.freedesktop.DBus'
  try {
    const said = await ask('dbus-send', [
      '--session',
      '--print-reply',
      `--dest=${bus}`,
      `/${bus.replaceAll('.', '/')}`,
      `${bus}.NameHasOwner`,
      `string:${name}`,
    ])
    return /boolean true/.test(said)
  } catch {
    return false
  }
}

/** The part of Electron's Tray that is used. */
export interface TrayIcon {
  setImage(file: string): void
  setToolTip(text: string): void
  setMenu(template: MenuItemConstructorOptions[]): void
  onClick(clicked: () => void): void
  destroy(): void
}

/** Keeps the icon telling the truth until the returned function is called. */
export function keepTray(parts: {
  readonly core: Pick<Core, 'ask' | 'on'>
  readonly icon: TrayIcon
  readonly image: (state: TrayState) => string
  readonly locale: string
  readonly open: (clusterId?: string) => void
  readonly quit: () => void
  readonly log: Log
  readonly now?: () => number
}): () => void {
  const { core, icon, image, locale } = parts
  const now = parts.now ?? Date.now
  let clusters: readonly TrayCluster[] = []
  const watched = new Set<string>()
  let ended = false
  let told = ''

  function show(): void {
    if (ended) return
    const nowMs = now()
    const sentences = clusters.map((cluster) => sentenceOf(cluster, nowMs, locale))
    const state = worstOf(clusters, nowMs)
    // A menu that is open closes when it is replaced: only news replaces it.
    const text = [state, ...sentences].join('\n')
    if (text === told) return
    told = text
    icon.setImage(image(state))
    icon.setToolTip(['Shoal', ...sentences].join('\n'))
    icon.setMenu(trayMenu({ clusters, nowMs, locale, image, open: parts.open, quit: parts.quit }))
  }

  function heard(id: string, verdict: Verdict): void {
    clusters = clusters.map((one) => (one.id === id ? { ...one, verdict, heardAtMs: now() } : one))
    show()
  }

  async function watch(id: string): Promise<void> {
    watched.add(id)
    const answer = (await core.ask('clusters.watch', { id })) as Result<ClusterStatus>
    if (answer.ok) heard(id, answer.value.verdict)
    else watched.delete(id)
  }

  async function load(): Promise<void> {
    const answer = (await core.ask('clusters.list', {})) as Result<readonly ClusterSummary[]>
    if (ended) return
    if (!answer.ok) {
      parts.log('warn', 'the tray could not list the clusters', { code: answer.problems[0]?.code ?? '' })
      return
    }
    const before = new Map(clusters.map((one) => [one.id, one] as const))
    clusters = answer.value.map(({ id, name, simulated }) => ({
      ...before.get(id),
      id,
      name,
      simulated: simulated === true,
    }))
    for (const id of [...watched]) if (!clusters.some((one) => one.id === id)) watched.delete(id)
    show()
    await Promise.all(clusters.filter(({ id }) => !watched.has(id)).map(({ id }) => watch(id)))
  }

  const stop = core.on((name, event) => {
    if (name === 'clusters.changed') void load()
    else if (name === 'cluster.status') {
      const { clusterId, verdict } = event as { readonly clusterId: string; readonly verdict: Verdict }
      heard(clusterId, verdict)
    }
  })
  const looking = setInterval(show, lookEveryMs)
  icon.onClick(() => parts.open())
  show()
  void load()

  return () => {
    ended = true
    stop()
    clearInterval(looking)
    icon.destroy()
  }
}
