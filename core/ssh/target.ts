/**
 * Where and as whom to log in: from the host as the operator typed it, and what ~/.ssh/config says about it. What was typed counts more
 * than the configuration, as on ssh's command line; user and port count as typed unless they are empty.
 */
import { readJumps } from '../../domain/jump.ts'
import type { Jump } from '../../domain/jump.ts'
import type { HostDraft, Login } from '../../domain/cluster.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Owner } from '../secrets.ts'
import { configFor } from './config-file.ts'
import type { HostConfig } from './config-file.ts'
import type { KeyPlace } from './known-hosts.ts'

/** One login. `address` and `port` are as typed (secrets belong to them); `id` names the host in problems (`where.host`). */
export interface Target extends Owner {
  readonly id: string
  readonly login: Login
  /** Where the connection goes: what ~/.ssh/config makes of the address. */
  readonly connectTo: { readonly address: string; readonly port: number }
  /** Where its host key is looked up. */
  readonly key: KeyPlace
  /** Keys to try besides, when `login` says nothing of its own: those of ~/.ssh/config, for a host on the way. */
  readonly moreKeyFiles: readonly string[]
  /** The host the connection starts at; absent = this machine. */
  readonly via?: Target
}

/** Reads ~/.ssh/config; tests give their own home. */
export interface ConfigPlace {
  readonly home: string
  readonly systemFile?: string
}

const sshPort = 22
/** ssh would take the local user's name; the directors of a cluster are logged in to as root. */
const usualUser = 'root'
/** A way is followed so far through ProxyJump of hosts on the way. */
const maxHops = 8

function placeOf(config: HostConfig, port: number): Pick<Target, 'connectTo' | 'key'> {
  const connectTo = { address: config.hostName, port }
  const files = config.knownHostsFiles === undefined ? {} : { files: config.knownHostsFiles }
  return {
    connectTo,
    key:
      config.hostKeyAlias === undefined
        ? { ...connectTo, ...files }
        : { address: config.hostKeyAlias, port: sshPort, ...files },
  }
}

interface Walk {
  readonly id: string
  readonly login: Login
  readonly place: ConfigPlace
  /** `address:port` of the hosts on the way so far, to notice a circle. */
  readonly passed: readonly string[]
}

/** The way that was typed or configured, as a chain of targets; undefined for straight. */
async function viaOf(
  typed: string,
  config: HostConfig,
  alias: string,
  walk: Walk,
): Promise<Result<Target | undefined>> {
  const where = { kind: 'host', host: walk.id } as const
  if (typed === '' && config.proxyCommand !== undefined) {
    return failed(problem('proxy-command', { host: alias, command: config.proxyCommand }, where))
  }
  const way = typed === '' ? (config.jump ?? '') : typed
  const jumps = readJumps(way)
  if (jumps === undefined) return failed(problem('jump-malformed', { value: way }, where))
  let via: Target | undefined
  for (const jump of jumps) {
    // Only the first host on the way may have a way of its own, as with ssh -J.
    const next = await jumpTarget(jump, via, alias, walk)
    if (!next.ok) return next
    via = next.value
  }
  return ok(via)
}

/**
 * A host on the way. It logs in by the keys of ~/.ssh/config, by what logs in to the host behind it (key file or SSH agent), and by its
 * own password when one was given.
 */
async function jumpTarget(jump: Jump, via: Target | undefined, host: string, walk: Walk): Promise<Result<Target>> {
  const where = { kind: 'host', host: walk.id } as const
  const config = await configFor(jump.address, jump.user, walk.place.home, walk.place.systemFile)
  const port = jump.port ?? config.port ?? sshPort
  const seat = `${config.hostName}:${port}`
  if (walk.passed.includes(seat) || walk.passed.length > maxHops) {
    return failed(problem('jump-circular', { host, jump: jump.address }, where))
  }
  let before: Result<Target | undefined> = ok(via)
  if (via === undefined) {
    before = await viaOf('', config, jump.address, { ...walk, passed: [...walk.passed, seat] })
    if (!before.ok) return before
  }
  return ok({
    id: walk.id,
    address: jump.address,
    port,
    user: jump.user ?? config.user ?? usualUser,
    login: walk.login,
    moreKeyFiles: config.identityFiles,
    ...placeOf(config, port),
    ...(before.value === undefined ? {} : { via: before.value }),
  })
}

/** The login of a host; problems: `jump-malformed`, `jump-circular`, `proxy-command`. */
export async function targetOf(host: HostDraft, place: ConfigPlace): Promise<Result<Target>> {
  const alias = host.address.trim()
  const typedUser = host.user.trim()
  const config = await configFor(alias, typedUser === '' ? undefined : typedUser, place.home, place.systemFile)
  const port = Number(host.port) || config.port || sshPort
  const walk = { id: host.id, login: host.login, place, passed: [`${config.hostName}:${port}`] }
  const via = await viaOf(host.login.jump?.trim() ?? '', config, alias, walk)
  if (!via.ok) return via
  return ok({
    id: host.id,
    address: alias,
    port,
    user: typedUser || config.user || usualUser,
    login: host.login,
    moreKeyFiles: [],
    ...placeOf(config, port),
    ...(via.value === undefined ? {} : { via: via.value }),
  })
}

/** One login as one text: hosts with the same text share a connection. */
export function loginText({ connectTo, user, login, via }: Target): string {
  const { address, port } = connectTo
  const own = JSON.stringify([address, port, user, login.kind, login.kind === 'key' ? login.keyFile : ''])
  return via === undefined ? own : `${own} via ${loginText(via)}`
}
