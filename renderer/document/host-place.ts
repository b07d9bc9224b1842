/**
 * A place on a host that is being filled in: where, as whom, which path, and how to log in there. What the core answers (an unknown host
 * key, a passphrase, sudo) decides what else is asked. Secrets go to the core alone.
 */
import { computed, onMounted, reactive, ref, shallowRef } from 'vue'
import type { HostDraft, Login } from '../../domain/cluster.ts'
import type { HostKey } from '../../domain/contract/app.ts'
import type { Problem } from '../../domain/problem.ts'
import { lvscfOnDirector, readRemoteName, remoteName } from '../../domain/remote-file.ts'
import { bridge } from '../bridge.ts'
import { useAppStore } from '../stores/app.ts'
import { useWizardStore } from '../stores/wizard.ts'

const sshPort = '22'

type KnownHost = Pick<HostDraft, 'name' | 'address' | 'port' | 'user' | 'login'>
export type HostPlace = ReturnType<typeof useHostPlace>

/** `failures` are those of the last request that went there. */
export function useHostPlace(failures: () => readonly Problem[]) {
  const app = useAppStore()
  const wizard = useWizardStore()
  const known = shallowRef<readonly KnownHost[]>([])
  const host = reactive<HostDraft>({
    id: 'document-host',
    name: '',
    address: '',
    port: sshPort,
    user: 'root',
    login: { kind: 'key', keyFile: '' },
    clusterAddress: '',
  })
  const path = ref<string>(lvscfOnDirector)
  const refused = shallowRef<readonly Problem[]>([])
  const working = ref(false)

  const name = computed(() => {
    const port = Number(host.port.trim() || sshPort)
    const made = remoteName({ user: host.user.trim(), address: host.address.trim(), port, path: path.value.trim() })
    return readRemoteName(made) ? made : undefined
  })
  const login = (): Login => ({ ...host.login })
  const codes = computed(() => failures().map((problem) => problem.code))
  const wantsPassphrase = computed(() => codes.value.some((code) => code.startsWith('passphrase-')))
  const wantsSudo = computed(() => codes.value.some((code) => code.startsWith('sudo-') || code === 'no-root'))
  /** The key the host showed, while it waits to be accepted. */
  const hostKey = computed<HostKey | undefined>(() => {
    const detail = failures().find((problem) => problem.code === 'host-key-unknown')?.detail
    if (!detail) return undefined
    return {
      address: String(detail['host']),
      port: Number(detail['port']),
      algorithm: String(detail['algorithm']),
      fingerprint: String(detail['fingerprint']),
    }
  })

  function take({ address, port, user, login }: KnownHost): void {
    Object.assign(host, { address, port, user, login: { ...login } })
  }

  /** Goes on from the name of a file on a host; false when it is not one. */
  function goOnFrom(asked: string): boolean {
    const remote = readRemoteName(asked)
    if (!remote) return false
    path.value = remote.path
    const same = known.value.find((one) => one.address === remote.address && one.user === remote.user)
    if (same && host.address === '') take(same)
    Object.assign(host, { address: remote.address, port: String(remote.port), user: remote.user })
    return true
  }

  async function load(): Promise<void> {
    const offered = (app.info?.offered ?? [])
      .filter(({ role }) => role === 'director')
      .map((one) => ({ ...one, port: sshPort, login: { kind: one.login, keyFile: one.keyFile ?? '' } }))
    const clusters = await bridge().ask('clusters.list', {})
    const drafts = clusters.ok
      ? await Promise.all(clusters.value.map(({ id }) => bridge().ask('clusters.get', { id })))
      : []
    const directors = drafts.flatMap((one) => (one.ok ? one.value.draft.directors : []))
    const byPlace = new Map([...offered, ...directors].map((one) => [`${one.user}@${one.address}:${one.port}`, one]))
    known.value = [...byPlace.values()]
    const key = app.info?.keys[0]
    if (host.login.keyFile === '' && key !== undefined) host.login.keyFile = key
  }
  onMounted(load)

  /** Hands what was typed to the core; false when it did not take it, which `refused` tells. */
  async function handOver(): Promise<boolean> {
    working.value = true
    refused.value = await wizard.handSecrets(host)
    working.value = false
    return refused.value.length === 0
  }

  /** Accepts the host's key; false when that failed. */
  async function trust(key: HostKey): Promise<boolean> {
    const trusted = await bridge().ask('hosts.trust', key)
    refused.value = trusted.ok ? [] : trusted.problems
    return trusted.ok
  }

  return {
    known,
    host,
    path,
    name,
    login,
    refused,
    working,
    wantsPassphrase,
    wantsSudo,
    hostKey,
    take,
    goOnFrom,
    handOver,
    trust,
  }
}
