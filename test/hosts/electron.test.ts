/** The desktop host's wiring without the runtime: each small function with stand-ins for the parts of Electron it takes. */
import { mkdtempSync, rmSync, statSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectWindows } from '../../electron/bridge.ts'
import type { MainIpc, Receiver } from '../../electron/bridge.ts'
import { askChannel, eventChannel } from '../../electron/channels.ts'
import { fileDialogs } from '../../electron/file-dialogs.ts'
import { keychain } from '../../electron/keychain.ts'
import { menuTemplate, menuWords } from '../../electron/menu.ts'
import { isOwnPage, isOwnSender, pageAddress, screenHandler } from '../../electron/page.ts'
import { preloadBridge } from '../../electron/preload-bridge.ts'
import { agentDir, readStart } from '../../electron/start.ts'
import { hasTray, keepTray, trayImages, trayMenu, trayStateOf, trayStates, worstOf } from '../../electron/tray.ts'
import type { TrayCluster } from '../../electron/tray.ts'
import { keepWindowState, placeOnScreens, readWindowState } from '../../electron/window-state.ts'
import { guardContents, guardSession, windowOptions } from '../../electron/window.ts'
import type { Verdict } from '../../domain/status.ts'
import { builtScreen, echoCore } from './fixtures.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'shoal-electron-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the page', () => {
  it.each([
    ['shoal://app/', true],
    ['shoal://app/index.html#/clusters/a', true],
    ['shoal://other/', false],
    ['shoal://app.evil/', false],
    ['shoal://user@app/', false],
    ['https://app/', false],
    ['file:///etc/passwd', false],
    ['data:text/html,x', false],
    ['', false],
  ])('%s is ours: %s', (address, ours) => expect(isOwnPage(address, pageAddress)).toBe(ours))

  it('while developing, the development server is ours and the scheme is not', () => {
    expect(isOwnPage('http://localhost:5173/#/x', 'http://localhost:5173')).toBe(true)
    expect(isOwnPage('http://localhost:5174/', 'http://localhost:5173')).toBe(false)
    expect(isOwnPage(pageAddress, 'http://localhost:5173')).toBe(false)
  })

  it('is answered from the built screen with the policy, and nothing outside it', async () => {
    const screen = builtScreen()
    const answer = screenHandler(screen.root)
    const page = await answer({ url: 'shoal://app/' })
    expect(await page.text()).toContain('the screen')
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
    expect((await answer({ url: 'shoal://app/assets/style-a1b2.css' })).headers.get('content-type')).toContain(
      'text/css',
    )
    for (const url of [
      'shoal://app/..%2fsecret.html',
      'shoal://app/link.html',
      'shoal://app/.hidden.html',
      'shoal://other/',
      'shoal://app/assets/gone.js',
    ]) {
      const refused = await answer({ url })
      expect([url, refused.status]).toEqual([url, 404])
      expect(await refused.text()).toBe('There is no such page.')
    }
    screen.remove()
  })
})

describe('the bridge', () => {
  /** An ipcMain, a page in front of it, and the core behind. */
  function connect(frame: { url: string; parent: unknown } | null = { url: `${pageAddress}#/`, parent: null }) {
    const handlers = new Map<string, (event: { senderFrame: typeof frame }, ...args: unknown[]) => unknown>()
    const ipc: MainIpc = {
      handle: (channel, listener) => handlers.set(channel, listener as never),
      removeHandler: (channel) => handlers.delete(channel),
    }
    const fake = echoCore()
    const logged: string[] = []
    const noted: string[] = []
    const windows: { url: string; destroyed: boolean; sent: unknown[][] }[] = []
    const receivers = (): Receiver[] =>
      windows.map((window) => ({
        isDestroyed: () => window.destroyed,
        getURL: () => window.url,
        send: (...args) => window.sent.push(args),
      }))
    const disconnect = connectWindows({
      ipc,
      core: fake.core,
      receivers,
      home: pageAddress,
      log: (level, message) => logged.push(`${level} ${message}`),
      audit: { note: (who, request) => noted.push(`${who.via} ${request}`), event: () => {}, close: async () => {} },
    })
    const pageListeners = new Set<(event: unknown, ...args: unknown[]) => void>()
    const page = preloadBridge({
      invoke: async (channel, ...args) => handlers.get(channel)?.({ senderFrame: frame }, ...args),
      on: (_channel, listener) => pageListeners.add(listener),
      off: (_channel, listener) => pageListeners.delete(listener),
    })
    return { ...fake, handlers, logged, noted, windows, disconnect, page, pageListeners }
  }

  it('carries a request of our page to the core and the result back', async () => {
    const { page, asked, noted } = connect()
    expect(await page.ask('echo' as never, { id: 'a' } as never)).toEqual({ ok: true, value: { id: 'a' } })
    expect(asked).toEqual([{ name: 'echo', args: { id: 'a' } }])
    expect(noted).toEqual(['window echo'])
    expect(await page.ask('app.info', {})).toMatchObject({ ok: false, problems: [{ code: 'not-found' }] })
  })

  it.each([
    ['another page', { url: 'https://evil.example/', parent: null }],
    ['a frame inside our page', { url: pageAddress, parent: {} }],
    ['a frame that is gone', null],
  ])('refuses %s before the core hears of it', async (_name, frame) => {
    const { page, asked, logged } = connect(frame)
    expect(await page.ask('app.info', {})).toMatchObject({ ok: false, problems: [{ code: 'request-refused' }] })
    expect(asked).toEqual([])
    expect(logged).toHaveLength(1)
    expect(isOwnSender({ senderFrame: frame }, pageAddress)).toBe(false)
  })

  it('answers a bug of the core and a name that is not text with problems', async () => {
    const { page, logged } = connect()
    expect(await page.ask('bug' as never, {} as never)).toMatchObject({ problems: [{ code: 'request-failed-inside' }] })
    expect(logged).toEqual(['error a request threw'])
    expect(await page.ask(7 as never, {} as never)).toMatchObject({ problems: [{ code: 'request-malformed' }] })
  })

  it('sends events to living windows that show our page, and to no other', () => {
    const { windows, say, disconnect, listeners, handlers } = connect()
    const [ours, elsewhere, gone] = [
      { url: pageAddress, destroyed: false, sent: [] as unknown[][] },
      { url: 'https://evil.example/', destroyed: false, sent: [] as unknown[][] },
      { url: pageAddress, destroyed: true, sent: [] as unknown[][] },
    ]
    windows.push(ours, elsewhere, gone)
    say('draft.kept', { id: 'd', revision: 2 })
    expect(ours.sent).toEqual([[eventChannel, 'draft.kept', { id: 'd', revision: 2 }]])
    expect([elsewhere.sent, gone.sent]).toEqual([[], []])
    disconnect()
    expect([listeners.size, handlers.has(askChannel)]).toEqual([0, false])
  })

  it('the page hears the events it asked for until it stops', () => {
    const { page, pageListeners } = connect()
    const heard = vi.fn()
    const stop = page.on('draft.kept', heard)
    for (const listener of pageListeners) {
      listener({ sender: 'secret' }, 'run.line', { text: 'other' })
      listener({ sender: 'secret' }, 'draft.kept', { id: 'd', revision: 1 })
    }
    expect(heard.mock.calls).toEqual([[{ id: 'd', revision: 1 }]])
    stop()
    expect(pageListeners.size).toBe(0)
  })
})

describe('the window', () => {
  it('runs its page sandboxed, isolated and without Node', () => {
    const { webPreferences } = windowOptions('/app/preload.cjs', { maximized: false })
    expect(webPreferences).toMatchObject({
      preload: '/app/preload.cjs',
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
    })
  })

  it('opens no other window, attaches no guest, and stays on our page', () => {
    const listeners = new Map<string, (event: { preventDefault(): void; url?: string }) => void>()
    let open: ((details: { url: string }) => { action: string }) | undefined
    guardContents(
      {
        setWindowOpenHandler: (handler) => (open = handler),
        on: (name, listener) => listeners.set(name, listener),
      },
      pageAddress,
    )
    const prevented = (name: string, url?: string) => {
      const preventDefault = vi.fn()
      listeners.get(name)?.({ preventDefault, ...(url === undefined ? {} : { url }) })
      return preventDefault.mock.calls.length === 1
    }
    expect(open?.({ url: pageAddress }).action).toBe('deny')
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      expect([name, prevented(name, 'https://evil.example/')]).toEqual([name, true])
      expect([name, prevented(name)]).toEqual([name, true])
      expect([name, prevented(name, `${pageAddress}#/x`)]).toEqual([name, false])
    }
    expect(prevented('will-attach-webview')).toBe(true)
  })

  it('grants copying and notifications, no other permission, and no device', () => {
    let asked: ((contents: unknown, permission: string, decide: (granted: boolean) => void) => void) | undefined
    let checked: ((contents: unknown, permission: string) => boolean) | undefined
    let device: (() => boolean) | undefined
    guardSession({
      setPermissionRequestHandler: (handler) => (asked = handler),
      setPermissionCheckHandler: (handler) => (checked = handler),
      setDevicePermissionHandler: (handler) => (device = handler),
    })
    const decisions = [
      'media',
      'geolocation',
      'notifications',
      'clipboard-read',
      'openExternal',
      'clipboard-sanitized-write',
    ].map((permission) => {
      let granted: boolean | undefined
      asked?.(null, permission, (decided) => (granted = decided))
      expect(checked?.(null, permission)).toBe(granted)
      return granted
    })
    expect(decisions).toEqual([false, false, true, false, false, true])
    expect(device?.()).toBe(false)
  })

  it('comes back where it was, unless nobody could see it there', async () => {
    const screens = [{ x: 0, y: 0, width: 1920, height: 1080 }]
    const at = (x: number, y: number, width = 1200, height = 800) => ({
      bounds: { x, y, width, height },
      maximized: true,
    })
    expect(placeOnScreens(at(100, 50), screens)).toEqual(at(100, 50))
    expect(placeOnScreens(at(-1000, 50), screens)).toEqual(at(-1000, 50))
    for (const lost of [at(1900, 0), at(-1190, 0), at(0, -100), at(0, 1070), at(0, 0, 300, 200)])
      expect(placeOnScreens(lost, screens)).toEqual({ maximized: true })
    expect(placeOnScreens(at(2000, 50), [...screens, { x: 1920, y: 0, width: 1920, height: 1080 }])).toEqual(
      at(2000, 50),
    )

    expect(await readWindowState(dir)).toEqual({ maximized: false })
    await keepWindowState(dir, at(3, 4))
    expect(await readWindowState(dir)).toEqual(at(3, 4))
    writeFileSync(path.join(dir, 'window.json'), '{"bounds":{"x":1e99}}')
    expect(await readWindowState(dir)).toEqual({ maximized: false })
  })
})

describe('the file dialogs', () => {
  /** Electron's two dialogs, answering these paths; undefined is the operator going back. */
  function dialogs(answers: { readonly open?: string; readonly save?: string }) {
    const asked: unknown[] = []
    const choose = fileDialogs(
      {
        open: (options) => {
          asked.push(options)
          const { open } = answers
          return Promise.resolve({ canceled: open === undefined, filePaths: open === undefined ? [] : [open] })
        },
        save: (options) => {
          asked.push(options)
          return Promise.resolve({ canceled: answers.save === undefined, filePath: answers.save ?? '' })
        },
      },
      menuWords('zh-CN'),
    )
    return { choose, asked }
  }

  it('answer the chosen path, in the language of the system and beginning at the present file', async () => {
    const { choose, asked } = dialogs({ open: '/etc/lvs.cf', save: '/root/new.cf' })
    expect(await choose('open', '/etc/old.cf')).toBe('/etc/lvs.cf')
    expect(await choose('save', '/etc/lvs.cf')).toBe('/root/new.cf')
    expect(asked).toMatchObject([
      { title: '打开 lvs.cf', defaultPath: '/etc/old.cf', properties: expect.arrayContaining(['openFile']) },
      { defaultPath: '/etc/lvs.cf', properties: expect.arrayContaining(['showOverwriteConfirmation']) },
    ])
  })

  it('answer nothing when the operator goes back', async () => {
    const { choose } = dialogs({})
    expect([await choose('open'), await choose('save')]).toEqual([undefined, undefined])
  })
})

describe('the keychain', () => {
  const safe = {
    isEncryptionAvailable: () => true,
    encryptString: (text: string) => Buffer.from(text).reverse(),
    decryptString: (encrypted: Buffer) => {
      if (encrypted.length === 0) throw new Error('not decryptable')
      return Buffer.from(encrypted).reverse().toString()
    },
    getSelectedStorageBackend: () => 'gnome_libsecret',
  }

  it('keeps secrets encrypted in a file only its owner may read, all of them when kept at once', async () => {
    const store = keychain(safe, dir)
    if (!store) throw new Error('no store')
    expect(await store.get('a')).toBeUndefined()
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => store.put(name, `secret of ${name}`)))
    const file = path.join(dir, 'secrets.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('secret of')
    expect(await keychain(safe, dir)?.get('c')).toBe('secret of c')
    await store.forget('c')
    expect([await store.get('c'), await store.get('d')]).toEqual([undefined, 'secret of d'])
  })

  it('a secret of another keychain is as good as not kept', async () => {
    writeFileSync(path.join(dir, 'secrets.json'), JSON.stringify({ a: '' }))
    expect(await keychain(safe, dir)?.get('a')).toBeUndefined()
  })

  it('there is none where encryption is not to be had or is for show', () => {
    expect(keychain({ ...safe, isEncryptionAvailable: () => false }, dir)).toBeUndefined()
    expect(keychain({ ...safe, getSelectedStorageBackend: () => 'basic_text' }, dir)).toBeUndefined()
  })
})

describe('starting', () => {
  it.each([
    [[], {}],
    [['.', '--inspect=0', '--no-sandbox'], {}],
    [['--data', 'd', '--offer=o.json'], { data: '/home/op/d', offer: '/home/op/o.json' }],
    [['/opt/app', 'lvs.cf'], { file: '/home/op/lvs.cf' }],
    [['--', '/etc/sysconfig/ha/LVS.CF'], { file: '/etc/sysconfig/ha/LVS.CF' }],
    [['--data'], {}],
  ])('argv %j says %j', (argv, says) => expect(readStart(argv, '/home/op')).toEqual(says))

  it('finds the agent beside the package or in the source tree', () => {
    expect(agentDir(true, '/opt/Shoal/resources', '/x')).toBe('/opt/Shoal/resources/agent')
    expect(agentDir(false, '/x', '/src')).toBe('/src/out/agent')
  })

  it('the menu has every word in both languages, opens files, and leaves the rest to the page', () => {
    const [openFile, choose] = [vi.fn(), vi.fn()]
    for (const [locale, file] of [
      ['en-US', 'File'],
      ['zh-CN', '文件'],
      ['de', 'File'],
    ] as const) {
      const menu = menuTemplate({ locale, mac: false, openFile, choose })
      expect(menu[0]?.label).toBe(file)
    }
    const [appMenu, ...menus] = menuTemplate({ locale: 'en', mac: true, openFile, choose })
    expect(appMenu?.role).toBe('appMenu')
    const items = menus.flatMap(
      (menu) => menu.submenu as { label?: string; accelerator?: string; click?: () => void }[],
    )
    const click = (accelerator: string) => items.find((item) => item.accelerator === accelerator)?.click?.()
    click('CmdOrCtrl+O')
    expect(openFile).toHaveBeenCalledOnce()
    for (const accelerator of ['CmdOrCtrl+K', 'CmdOrCtrl+N', 'CmdOrCtrl+P', 'CmdOrCtrl+,']) click(accelerator)
    expect(choose.mock.calls).toEqual([['palette'], ['new'], ['print'], ['settings']])
    const accelerators = items.flatMap(({ accelerator }) => accelerator ?? [])
    expect(new Set(accelerators).size).toBe(accelerators.length)
  })
})

describe('the tray', () => {
  const verdict = (by: string, more: object = {}): Verdict =>
    ({ kind: 'served', by, sinceMs: 0, virtualServers: 2, standby: 'ready', problems: 0, ...more }) as Verdict
  const cluster = (id: string, said: Verdict | undefined, more: Partial<TrayCluster> = {}): TrayCluster => ({
    id,
    name: id,
    simulated: false,
    ...(said ? { verdict: said, heardAtMs: 1_000 } : {}),
    ...more,
  })
  const notServed: Verdict = { kind: 'not-served', virtualIp: '192.0.2.1', sinceMs: 0 }

  it('shows the worst state; old news is unknown, and the simulated cluster does not count beside real ones', () => {
    const fine = cluster('shop', verdict('lvs1'))
    expect(trayStateOf(fine, 2_000)).toBe('ok')
    expect(trayStateOf(fine, 20_000)).toBe('stale')
    expect(trayStateOf(cluster('shop', verdict('lvs1', { standby: 'not-ready' })), 2_000)).toBe('warn')
    expect(worstOf([fine, cluster('mail', notServed)], 2_000)).toBe('bad')
    expect(worstOf([fine, cluster('mail', undefined)], 2_000)).toBe('stale')
    expect(worstOf([fine, cluster('demo', notServed, { simulated: true })], 2_000)).toBe('ok')
    expect(worstOf([cluster('demo', notServed, { simulated: true })], 2_000)).toBe('bad')
    expect(worstOf([], 2_000)).toBe('ok')
  })

  it('its menu says each cluster and leads to it, in the language of the system', () => {
    const [open, quit] = [vi.fn(), vi.fn()]
    const menu = (locale: string) =>
      trayMenu({
        clusters: [cluster('shop', verdict('lvs1')), cluster('demo', notServed, { simulated: true })],
        nowMs: 2_000,
        locale,
        image: (state) => `${state}.png`,
        open,
        quit,
      })
    const english = menu('en-US')
    expect(english.map(({ label }) => label)).toEqual([
      'shop: served by lvs1',
      'Simulated cluster: not served',
      undefined,
      'Open Shoal',
      'Quit Shoal',
    ])
    expect(english.map(({ icon }) => icon).slice(0, 2)).toEqual(['ok.png', 'bad.png'])
    expect(menu('zh-CN')[0]?.label).toBe('shop：由 lvs1 提供服务')
    for (const { click } of english) (click as (() => void) | undefined)?.()
    expect(open.mock.calls).toEqual([['shop'], ['demo'], []])
    expect(quit).toHaveBeenCalledOnce()
    expect(trayMenu({ clusters: [], nowMs: 0, locale: 'en', image: String, open, quit })[0]).toMatchObject({
      enabled: false,
    })
  })

  it('is there where the desktop has one: on Linux when somebody on the session bus shows such icons', async () => {
    const says = (answer: string) => vi.fn(async () => answer)
    expect(await hasTray('linux', says('   boolean true\n'))).toBe(true)
    expect(await hasTray('linux', says('   boolean false\n'))).toBe(false)
    expect(await hasTray('linux', () => Promise.reject(new Error('spawn dbus-send ENOENT')))).toBe(false)
    const unasked = says('')
    expect([await hasTray('win32', unasked), await hasTray('darwin', unasked)]).toEqual([true, true])
    expect(unasked).not.toHaveBeenCalled()
  })

  it('has a picture for every state, in the source tree and beside the package', () => {
    for (const state of trayStates) {
      const file = trayImages(false, '/x', path.resolve(import.meta.dirname, '../..'))(state)
      for (const one of [file, file.replace('.png', '@2x.png')])
        expect(readFileSync(one).subarray(1, 4).toString()).toBe('PNG')
    }
    expect(trayImages(true, '/opt/Shoal/resources', '/x')('bad')).toBe('/opt/Shoal/resources/tray/bad.png')
  })

  it('follows the core: it watches every cluster, tells news once, and goes grey without any', async () => {
    vi.useFakeTimers({ now: 1_000_000 })
    try {
      const asked: string[] = []
      let known = [{ id: 'shop', name: 'shop' }]
      const listeners = new Set<(name: string, event: unknown) => void>()
      const shown: { image: string; tip: string; menus: number; clicked: () => void; destroyed: boolean } = {
        image: '',
        tip: '',
        menus: 0,
        clicked: () => undefined,
        destroyed: false,
      }
      const open = vi.fn()
      const end = keepTray({
        core: {
          ask: async (name, args) => {
            asked.push(`${name} ${(args as { id?: string }).id ?? ''}`.trim())
            if (name === 'clusters.list') return { ok: true, value: known }
            return { ok: true, value: { verdict: verdict('lvs1') } }
          },
          on: (listener) => {
            listeners.add(listener as never)
            return () => listeners.delete(listener as never)
          },
        },
        icon: {
          setImage: (file) => (shown.image = file),
          setToolTip: (text) => (shown.tip = text),
          setMenu: () => (shown.menus += 1),
          onClick: (clicked) => (shown.clicked = clicked),
          destroy: () => (shown.destroyed = true),
        },
        image: (state) => state,
        locale: 'en',
        open,
        quit: () => undefined,
        log: () => undefined,
      })
      const say = (name: string, event: unknown) => listeners.forEach((listener) => listener(name, event))
      await vi.advanceTimersByTimeAsync(0)
      expect(asked).toEqual(['clusters.list', 'clusters.watch shop'])
      expect(shown).toMatchObject({ image: 'ok', tip: 'Shoal\nshop: served by lvs1' })
      const { menus } = shown
      say('cluster.status', { clusterId: 'shop', verdict: verdict('lvs1') })
      expect(shown.menus).toBe(menus)
      say('cluster.status', { clusterId: 'shop', verdict: notServed })
      expect([shown.image, shown.menus]).toEqual(['bad', menus + 1])
      await vi.advanceTimersByTimeAsync(21_000)
      expect(shown).toMatchObject({ image: 'stale', tip: 'Shoal\nshop: unknown' })
      known = [...known, { id: 'mail', name: 'mail' }]
      say('clusters.changed', null)
      await vi.advanceTimersByTimeAsync(0)
      expect(asked.slice(2)).toEqual(['clusters.list', 'clusters.watch mail'])
      shown.clicked()
      expect(open).toHaveBeenCalledWith()
      end()
      expect([listeners.size, shown.destroyed, vi.getTimerCount()]).toEqual([0, true, 0])
    } finally {
      vi.useRealTimers()
    }
  })
})
