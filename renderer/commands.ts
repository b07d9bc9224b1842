/**
 * Everything the command palette offers now: what can be done to the cluster on the screen (each asks for its confirmation), every page,
 * every cluster, every draft, and the application's own switches. What is not possible now is not offered.
 */
import { computed } from 'vue'
import type { Ref } from 'vue'
import { useRouter } from 'vue-router'
import type { RouteLocationRaw } from 'vue-router'
import { drillKinds } from '../domain/acting.ts'
import { inactiveOf } from '../domain/activity.ts'
import { changeOver } from '../domain/life.ts'
import { simulationId } from '../domain/simulation.ts'
import { bridge, connection } from './bridge.ts'
import { clusterPages } from './cluster-pages.ts'
import { useSpeech } from './i18n/speech.ts'
import { isFresh, sourceOf } from './overview.ts'
import { wordsOf } from './palette.ts'
import type { Entry } from './palette.ts'
import { useActingStore } from './stores/acting.ts'
import type { Asked } from './stores/acting.ts'
import { themes, useAppStore } from './stores/app.ts'
import { useClusterStore } from './stores/cluster.ts'
import { useClustersStore } from './stores/clusters.ts'
import { useDetailsStore } from './stores/details.ts'
import type { Detail } from './stores/details.ts'
import { useLifeStore } from './stores/life.ts'
import { useSimulationStore } from './stores/simulation.ts'
import { serverKey } from './traffic.ts'

/** Real servers of a large cluster are offered only when something of them is typed, and at most so many. */
const mostServers = 120
const languageNames = { en: 'English', 'zh-CN': '简体中文' } as const

/** The entries for what is typed; reports are taken as of the time the palette was opened (`atMs`). */
export function useCommands(query: Ref<string>, atMs: Ref<number>) {
  const { say } = useSpeech()
  const router = useRouter()
  const app = useAppStore()
  const cluster = useClusterStore()
  const clusters = useClustersStore()
  const acting = useActingStore()
  const details = useDetailsStore()
  const life = useLifeStore()
  const simulation = useSimulationStore()

  const go = (to: RouteLocationRaw): void => void router.push(to)
  const nameOf = (one: { readonly name: string; readonly simulated?: true }): string =>
    one.simulated ? say('simulation.railName') : one.name

  async function ask(asked: Asked, page?: 'drills'): Promise<void> {
    if (page) await router.push({ name: page, params: { id: cluster.id ?? '' } })
    acting.asked = asked
  }
  async function show(shown: Detail): Promise<void> {
    await router.push({ name: 'overview', params: { id: cluster.id ?? '' } })
    details.shown = shown
  }

  const source = computed(() => cluster.status && sourceOf(cluster.status, atMs.value - cluster.skewMs))
  const fresh = computed(() => {
    const { status } = cluster
    return (status?.directors ?? []).filter((one) =>
      isFresh(one, status?.staleAfterMs ?? 0, atMs.value - cluster.skewMs),
    )
  })
  const connected = computed(() => connection.state === 'connected')
  const able = computed(() => connected.value && fresh.value.some((one) => one === source.value))

  function ofCluster(): readonly Entry[] {
    const { status } = cluster
    if (cluster.id === null || !status) return []
    const group = say('palette.group.here')
    const id = cluster.id
    const entries: Entry[] = []
    const add = (name: string, label: string, words: string, run: () => void): void =>
      void entries.push({ id: `here ${name}`, group, label, words, run })
    const active = fresh.value.find(({ report }) => report?.role === 'active')
    const standby = fresh.value.find(({ report }) => report?.role === 'standby')
    if (connected.value && active && standby) {
      const names = { from: active.name, to: standby.name }
      add(
        'hand-over',
        say('palette.handOver', names),
        'hand over failover switch',
        () => void ask({ kind: 'hand-over' }),
      )
      for (const drill of acting.underWay ? [] : drillKinds)
        add(
          `drill ${drill}`,
          say('palette.drill', { kind: say(`drill.kind.${drill}.name`) }),
          `drill ${drill}`,
          () => void ask({ kind: 'drill', drill }, 'drills'),
        )
    }
    for (const director of status.directors)
      add(
        `director ${director.hostId}`,
        say('palette.details', { name: director.name }),
        `${director.address} details`,
        () => void show({ kind: 'director', hostId: director.hostId }),
      )
    if (!cluster.simulated) add('change', say('palette.change'), 'change edit wizard', () => go(`/set-up/${id}`))
    add('sheet', say('palette.sheet'), 'print paper sheet', () =>
      go({ name: 'sheet', params: { id }, query: { print: '1' } }),
    )
    return entries
  }

  /** What can be done to virtual and real servers. */
  function ofServices(): readonly Entry[] {
    const services = source.value?.services ?? []
    const draft = cluster.about?.draft
    if (!able.value || services.length === 0) return []
    const group = say('palette.group.servers')
    const words = wordsOf(query.value)
    const entries: Entry[] = []
    const add = (name: string, label: string, hint: string, found: string, asked: Asked): void =>
      void entries.push({ id: `server ${name}`, group, label, hint, words: found, run: () => void ask(asked) })
    const changing = life.change?.clusterId === cluster.id && !changeOver.includes(life.change.state)
    const changeable = draft !== undefined && !changing
    if (changeable)
      for (const off of inactiveOf(draft)) {
        const names = { service: off.service, server: off.server ?? '' }
        const label = say(off.server === undefined ? 'palette.activateService' : 'palette.activateServer', names)
        add(`on ${off.service} ${off.server ?? ''}`, label, '', 'activate enable active', { kind: 'activate', ...off })
      }
    const count = services.reduce((sum, { realServers }) => sum + realServers.length, 0)
    const isWanted = (text: string): boolean =>
      count <= mostServers || words.some((word) => word.length > 1 && text.toLowerCase().includes(word))
    let left = mostServers
    const shown = new Set<string>()
    for (const service of services) {
      if (changeable && isWanted(`${service.name} ${service.id}`)) {
        const label = say('palette.deactivateService', { service: service.name })
        add(`off ${service.id}`, label, service.id, 'deactivate disable active', {
          kind: 'deactivate',
          service: service.name,
        })
      }
      for (const server of service.realServers) {
        if (left <= 0 || !isWanted(`${service.name} ${server.name} ${server.address}`)) continue
        left -= 1
        const key = serverKey(server)
        const names = { service: service.name, server: server.name }
        const where = { service: service.id, server: key }
        if (!shown.has(server.address)) {
          shown.add(server.address)
          const run = (): void => void show({ kind: 'server', address: server.address })
          const label = say('palette.details', { name: server.name })
          entries.push({ id: `details ${server.address}`, group, label, hint: server.address, words: 'details', run })
        }
        const drain = server.drain ? 'undrain' : 'drain'
        add(`${drain} ${service.id} ${key}`, say(`palette.${drain}`, names), key, drain, { kind: drain, ...where })
        add(`weight ${service.id} ${key}`, say('palette.weight', names), key, 'weight', { kind: 'weight', ...where })
        if (changeable)
          add(`off ${service.id} ${key}`, say('palette.deactivateServer', names), key, 'deactivate disable active', {
            kind: 'deactivate',
            ...names,
          })
      }
    }
    return entries
  }

  function pages(): readonly Entry[] {
    const group = say('palette.group.go')
    const add = (id: string, label: string, words: string, to: RouteLocationRaw, hint = ''): Entry => ({
      id: `go ${id}`,
      group,
      label,
      hint,
      words,
      run: () => go(to),
    })
    const { id } = cluster
    const here = clusters.clusters.find((one) => one.id === id)
    return [
      ...(id === null
        ? []
        : clusterPages.map((page) =>
            add(
              `${id} ${page}`,
              say(`cluster.page.${page}`),
              page,
              { name: page, params: { id } },
              here ? nameOf(here) : '',
            ),
          )),
      add('start', say('rail.start'), 'start home', '/'),
      add('document', say('rail.document'), 'document editor piranha file', '/document'),
      add('settings', say('rail.settings'), 'settings preferences log update', '/settings'),
    ]
  }

  function otherClusters(): readonly Entry[] {
    const group = say('palette.group.clusters')
    const deep = wordsOf(query.value).length > 0
    return clusters.clusters.flatMap((one): Entry[] => {
      const hint = one.virtualIps.join(' ')
      const words = `cluster ${one.directors.map(({ name, address }) => `${name} ${address}`).join(' ')}`
      const entry = (page: string, label: string): Entry => ({
        id: `cluster ${one.id} ${page}`,
        group,
        label,
        hint,
        words: `${words} ${page}`,
        run: () => go({ name: page, params: { id: one.id } }),
      })
      const whole = entry('overview', nameOf(one))
      if (!deep || one.id === cluster.id) return [whole]
      const rest = clusterPages.filter((page) => page !== 'overview')
      return [
        whole,
        ...rest.map((page) => entry(page, say('palette.of', { name: nameOf(one), page: say(`cluster.page.${page}`) }))),
      ]
    })
  }

  function drafts(): readonly Entry[] {
    const group = say('palette.group.drafts')
    return clusters.drafts.map(({ draft }) => ({
      id: `draft ${draft.id}`,
      group,
      label: say('palette.draft', { name: draft.name.trim() || say('start.unnamed') }),
      words: 'draft continue wizard',
      run: () => go(`/set-up/${draft.id}`),
    }))
  }

  async function openFile(): Promise<void> {
    if (app.info?.host !== 'electron') return go('/document')
    const chosen = await bridge().ask('documents.choose', { purpose: 'open', suggested: null })
    if (chosen.ok && chosen.value !== null) go({ name: 'document', query: { file: chosen.value } })
  }
  async function simulate(): Promise<void> {
    if (await simulation.start()) go(`/cluster/${simulationId}`)
  }

  function ofApp(): readonly Entry[] {
    const group = say('palette.group.app')
    const add = (id: string, label: string, words: string, run: () => void): Entry => ({
      id: `app ${id}`,
      group,
      label,
      words,
      run,
    })
    return [
      add('new', say('palette.newCluster'), 'new cluster set up wizard', () => go('/set-up')),
      add('open', say('palette.openFile'), 'open file lvs.cf piranha', () => void openFile()),
      ...(clusters.clusters.some(({ simulated }) => simulated)
        ? []
        : [add('simulate', say('palette.simulate'), 'simulated demo try', () => void simulate())]),
      ...(['en', 'zh-CN'] as const)
        .filter((one) => one !== app.language)
        .map((one) =>
          add(`language ${one}`, say('palette.language', { name: languageNames[one] }), 'language 语言', () => {
            app.language = one
          }),
        ),
      ...themes
        .filter((one) => one !== app.theme)
        .map((one) =>
          add(`theme ${one}`, say('palette.theme', { name: say(`rail.themes.${one}`) }), `theme ${one}`, () => {
            app.theme = one
          }),
        ),
    ]
  }

  return computed<readonly Entry[]>(() => [
    ...ofCluster(),
    ...pages(),
    ...otherClusters(),
    ...drafts(),
    ...ofApp(),
    ...ofServices(),
  ])
}
