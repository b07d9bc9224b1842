/**
 * From a target to an ssh2 client that is logged in: the TCP connection (or the stream a host on the way opened), the judgement of the
 * host key before anything is sent, and the login.
 */
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2'
import type { HostKey } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { reasonOf } from '../disk.ts'
import { algorithmOf, fingerprintOf } from './known-hosts.ts'
import type { KnownHosts } from './known-hosts.ts'
import { prepareLogin } from './login.ts'
import type { LoginPorts } from './login.ts'
import type { Target } from './target.ts'

export interface TransportPorts extends LoginPorts {
  readonly knownHosts: KnownHosts
  /** Told the key blob of an unknown host, so that it can be trusted later by its fingerprint. */
  readonly unknownKey: (key: HostKey, blob: Buffer) => void
}

/** How the bytes reach the host: from this machine, or through a host on the way. */
export type OpenStream = () => Promise<Result<Duplex>>

const connectTimeoutMs = 5_000
/** From the TCP connection to a login; generous, because a host under load does its arithmetic slowly. */
const loginTimeoutMs = 20_000
const keepAliveMs = 5_000
const keepAliveLosses = 3

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/** What the operating system's codes mean, in the words an administrator knows from ping and telnet. */
const tcpReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name server does not answer',
}

/** Connects the TCP socket by itself, so that "nobody there" is told apart from "SSH failed". */
export function openTcp(target: Target): Promise<Result<Duplex>> {
  const { address: host, port } = target.connectTo
  return new Promise((resolve) => {
    const where = { kind: 'host', host: target.id } as const
    const socket = connectTcp({ host, port, noDelay: true })
    const timer = setTimeout(() => {
      socket.destroy()
      const reason = `no answer within ${connectTimeoutMs / 1000} s`
      resolve(failed(problem('host-unreachable', { host, port, reason }, where)))
    }, connectTimeoutMs)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(ok(socket))
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      const unknown = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
      const reason = tcpReasons[error.code ?? ''] ?? reasonOf(error)
      resolve(failed(problem(unknown ? 'host-name-unknown' : 'host-unreachable', { host, port, reason }, where)))
    })
  })
}

/** Known algorithms first, so that a host known by one key is asked for that key and not for another. */
function orderAlgorithms(known: readonly string[]): ServerHostKeyAlgorithm[] {
  const isKnown = (algorithm: string): boolean =>
    known.includes(algorithm) || (algorithm.startsWith('rsa-') && known.includes('ssh-rsa'))
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm))]
}

/** Judges a presented key; undefined when it is known, else the reason to send nothing. */
async function refusalOf(target: Target, blob: Buffer, ports: TransportPorts): Promise<Problem | undefined> {
  const where = { kind: 'host', host: target.id } as const
  const { address, port } = target.key
  const key: HostKey = { address, port, algorithm: algorithmOf(blob), fingerprint: fingerprintOf(blob) }
  const detail = { host: address, port, algorithm: key.algorithm, fingerprint: key.fingerprint }
  const verdict = await ports.knownHosts.judge(target.key, blob)
  if (verdict.kind === 'known') return undefined
  if (verdict.kind === 'unknown') {
    ports.unknownKey(key, blob)
    return problem('host-key-unknown', detail, where)
  }
  const { file, line } = verdict
  if (verdict.kind === 'authority') return problem('host-key-by-authority', { ...detail, file, line }, where)
  return problem('host-key-changed', { ...detail, presented: key.fingerprint, known: verdict.known, file, line }, where)
}

/**
 * Connects and logs in. With an unknown or changed host key the connection ends before the user name is sent. `onTheWay`: the target is a
 * jump host.
 */
export async function logIn(
  target: Target,
  onTheWay: boolean,
  open: OpenStream,
  ports: TransportPorts,
): Promise<Result<Client>> {
  const where = { kind: 'host', host: target.id } as const
  const { address: host } = target
  const login = await prepareLogin(target, onTheWay, ports)
  if (!login.ok) return login
  const known = await ports.knownHosts.algorithms(target.key)
  const stream = await open()
  if (!stream.ok) return stream
  // From here to `connect` nothing may be waited for: a stream that closes meanwhile would close unheard.

  const client: Client = new ssh2.Client()
  let refusal: Problem | undefined
  const config: ConnectConfig = {
    sock: stream.value as NonNullable<ConnectConfig['sock']>,
    username: target.user,
    authHandler: login.value.handler,
    readyTimeout: loginTimeoutMs,
    keepaliveInterval: keepAliveMs,
    keepaliveCountMax: keepAliveLosses,
    algorithms: {
      serverHostKey: orderAlgorithms(known),
      kex: {
        append: [],
        prepend: [],
        remove: ['diffie-hellman-group-exchange-sha1', 'diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
      },
      hmac: { append: [], prepend: [], remove: ['hmac-sha1', 'hmac-sha1-etm@openssh.com'] },
      compress: ['none'],
    },
    hostVerifier: (blob: Buffer, verify: (accepted: boolean) => void) => {
      refusalOf(target, blob, ports)
        .then((refused) => {
          refusal = refused
          verify(refused === undefined)
        })
        .catch(() => {
          verify(false)
        })
    },
  }

  const logged = await new Promise<Result<Client>>((resolve) => {
    client.once('ready', () => {
      client.removeAllListeners('error')
      resolve(ok(client))
    })
    client.on('error', (error: Error & { level?: string }) => {
      if (refusal) resolve(failed(refusal))
      else if (error.level === 'client-authentication') {
        const { tried, missing } = login.value
        const method = tried() === '' ? target.login.kind : tried()
        resolve(failed(missing() ?? problem('login-refused', { host, user: target.user, method }, where)))
      } else resolve(failed(problem('ssh-failed', { host, reason: error.message }, where)))
    })
    client.once('close', () => {
      resolve(
        failed(refusal ?? login.value.missing() ?? problem('ssh-failed', { host, reason: 'connection closed' }, where)),
      )
    })
    try {
      client.connect(config)
    } catch (error) {
      resolve(failed(problem('ssh-failed', { host, reason: reasonOf(error) }, where)))
    }
  })
  if (!logged.ok) {
    client.on('error', () => undefined)
    client.destroy()
  }
  return logged
}
