/** The notifications of the cluster on the screen: the channels both directors have, and the tests made here. How they fare is in the status. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { ChannelDraft, DirectorTested, NotifyOverview, ShownChannel } from '../../domain/notify.ts'
import type { Problem } from '../../domain/problem.ts'
import { bridge } from '../bridge.ts'

/** A channel as one of the directors has it, and which of them have it otherwise. */
export interface ListedChannel {
  readonly channel: ShownChannel
  readonly lackedBy: readonly string[]
  readonly differsOn: readonly string[]
}

export interface TestMade {
  readonly atMs: number
  readonly results: readonly DirectorTested[]
}

/** A channel that keeps all its secrets. */
export function draftOf(channel: ShownChannel): ChannelDraft {
  if (channel.kind === 'mail') {
    const { hasPassword: _has, ...rest } = channel
    return rest
  }
  const { shownUrl: _url, hasSecret: _has, ...rest } = channel
  return rest
}

/** The channels of the directors that answered, each once. */
export function listed({ directors }: NotifyOverview): readonly ListedChannel[] {
  const known = directors.flatMap(({ name, view }) => (view ? [{ name, channels: view.channels }] : []))
  const ids = new Set(known.flatMap(({ channels }) => channels.map(({ id }) => id)))
  return [...ids].flatMap((id) => {
    const has = known.map(({ name, channels }) => ({ name, channel: channels.find((one) => one.id === id) }))
    const channel = has.find((one) => one.channel)?.channel
    if (!channel) return []
    const text = JSON.stringify(channel)
    return [
      {
        channel,
        lackedBy: has.filter((one) => !one.channel).map(({ name }) => name),
        differsOn: has.filter((one) => one.channel && JSON.stringify(one.channel) !== text).map(({ name }) => name),
      },
    ]
  })
}

export const useNotifyStore = defineStore('notify', () => {
  const clusterId = ref<string | null>(null)
  const overview = shallowRef<NotifyOverview | null>(null)
  const problems = ref<readonly Problem[]>([])
  const asking = ref<'none' | 'loading' | 'saving'>('none')
  const testing = ref<ReadonlySet<string>>(new Set())
  const tests = ref<ReadonlyMap<string, TestMade>>(new Map())

  const channels = computed(() => (overview.value ? listed(overview.value) : []))

  async function open(id: string): Promise<void> {
    if (clusterId.value !== id) {
      clusterId.value = id
      overview.value = null
      tests.value = new Map()
    }
    problems.value = []
    asking.value = 'loading'
    const answer = await bridge().ask('notify.get', { id })
    if (clusterId.value !== id) return
    asking.value = 'none'
    if (answer.ok) overview.value = answer.value
    problems.value = answer.ok ? answer.value.problems : answer.problems
  }

  /** Gives both directors these channels; answers what stood in the way of all of it. */
  async function set(drafts: readonly ChannelDraft[]): Promise<readonly Problem[]> {
    const id = clusterId.value
    if (id === null || asking.value !== 'none') return []
    asking.value = 'saving'
    const answer = await bridge().ask('notify.set', { id, channels: [...drafts] })
    if (clusterId.value !== id) return []
    asking.value = 'none'
    if (!answer.ok) return answer.problems
    overview.value = answer.value
    problems.value = answer.value.problems
    return []
  }

  /** Puts a channel in its place, or behind the others. */
  function save(draft: ChannelDraft): Promise<readonly Problem[]> {
    const before = channels.value.map(({ channel }) => channel)
    const drafts = before.map((channel) => (channel.id === draft.id ? draft : draftOf(channel)))
    return set(before.some(({ id }) => id === draft.id) ? drafts : [...drafts, draft])
  }

  function remove(id: string): Promise<readonly Problem[]> {
    return set(channels.value.filter(({ channel }) => channel.id !== id).map(({ channel }) => draftOf(channel)))
  }

  async function test(channel: string): Promise<void> {
    const id = clusterId.value
    if (id === null || testing.value.has(channel)) return
    testing.value = new Set([...testing.value, channel])
    const answer = await bridge().ask('notify.test', { id, channel })
    testing.value = new Set([...testing.value].filter((one) => one !== channel))
    if (clusterId.value !== id) return
    if (answer.ok) tests.value = new Map([...tests.value, [channel, { atMs: Date.now(), results: answer.value }]])
    else problems.value = answer.problems
  }

  return { overview, channels, problems, asking, testing, tests, open, save, remove, test }
})
