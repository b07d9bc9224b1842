/**
 * The user's `~/.ssh/config` as far as it says where and as whom to log in (ssh_config(5)): Host, Match (all, host, originalhost, user),
 * Include, HostName, Port, User, IdentityFile, ProxyJump, ProxyCommand, UserKnownHostsFile, HostKeyAlias. As there, the first value
 * found for a word counts, except IdentityFile, of which all do. Read anew for every login, because the user may correct it meanwhile;
 * never written. What it says about ciphers, forwarding and host key checking is not taken over.
 */
import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface HostConfig {
  /** The name or address to connect to. */
  readonly hostName: string
  readonly port?: number
  readonly user?: string
  readonly identityFiles: readonly string[]
  /** The way over other hosts, as ProxyJump writes it; absent = nothing said. */
  readonly jump?: string
  /** A command that makes the connection and cannot be understood as a jump. */
  readonly proxyCommand?: string
  readonly knownHostsFiles?: readonly string[]
  /** The name to look the host key up by. */
  readonly hostKeyAlias?: string
}

/** Included files may include others so deep, as in OpenSSH. */
const maxIncludeDepth = 16
const maxPort = 65_535

/** One line as a lower case word and its arguments; double quotes hold an argument together. */
function readLine(raw: string): { readonly word: string; readonly values: readonly string[] } | undefined {
  const line = raw.trim()
  if (line === '' || line.startsWith('#')) return undefined
  const match = /^([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/.exec(line)
  if (!match) return undefined
  const values: string[] = []
  for (const [, quoted, plain] of (match[2] ?? '').matchAll(/"([^"]*)"|(\S+)/g)) {
    if (plain?.startsWith('#')) break
    values.push(quoted ?? plain ?? '')
  }
  return { word: (match[1] ?? '').toLowerCase(), values }
}

/** ssh_config(5) PATTERNS: `*`, `?`, and `!` to exclude; a list matches when one does and no excluding one does. */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let matched = false
  for (const pattern of patterns) {
    const excludes = pattern.startsWith('!')
    const text = (excludes ? pattern.slice(1) : pattern)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')
    if (!new RegExp(`^${text}$`, 'i').test(name)) continue
    if (excludes) return false
    matched = true
  }
  return matched
}

interface Found {
  hostName?: string
  port?: number
  user?: string
  identityFiles: string[]
  jump?: string
  proxyCommand?: string
  knownHostsFiles?: readonly string[]
  hostKeyAlias?: string
}

/** Whether a Match line is about this login. Conditions Shoal cannot know (`exec`, `canonical`, …) are taken as not met. */
function isMatch(values: readonly string[], alias: string, user: string | undefined, found: Found): boolean {
  for (let at = 0; at < values.length; at++) {
    const condition = (values[at] ?? '').toLowerCase()
    if (condition === 'all') continue
    const patterns = (values[++at] ?? '').split(',')
    if (condition === 'originalhost' && matchesPatterns(patterns, alias)) continue
    if (condition === 'host' && matchesPatterns(patterns, found.hostName ?? alias)) continue
    if (condition === 'user' && matchesPatterns(patterns, user ?? found.user ?? '')) continue
    return false
  }
  return values.length > 0
}

/** Files meant by an Include; wildcards in any part of the path. */
async function filesOf(pattern: string, home: string, beside: string): Promise<readonly string[]> {
  const full = pattern.startsWith('~/')
    ? join(home, pattern.slice(2))
    : pattern.startsWith('/')
      ? pattern
      : join(beside, pattern)
  let found = ['/']
  for (const part of full.split('/').filter((each) => each !== '')) {
    if (!/[*?]/.test(part)) {
      found = found.map((path) => join(path, part))
      continue
    }
    const next = await Promise.all(
      found.map(async (path) => {
        const names = await readdir(path).catch(() => [])
        return names
          .filter((name) => !name.startsWith('.') && matchesPatterns([part], name))
          .sort()
          .map((name) => join(path, name))
      }),
    )
    found = next.flat()
  }
  return found
}

/** `ssh -W %h:%p bastion`, the form of ProxyCommand from before ProxyJump. */
function jumpOfCommand(command: string): string | undefined {
  const words = command.trim().split(/\s+/)
  if (!/(^|\/)ssh$/.test(words[0] ?? '') || !words.includes('%h:%p')) return undefined
  const rest = words.slice(1).filter((word) => !['-W', '%h:%p', '-q', '-T', '-x', '-a'].includes(word))
  const [only] = rest
  return rest.length === 1 && only !== undefined && !only.startsWith('-') ? only : undefined
}

/**
 * What the configuration says about a host as it was typed (`alias`). `user` is the one that was typed, if any. Files that are absent or
 * unreadable say nothing, as with ssh itself.
 */
export async function configFor(
  alias: string,
  user: string | undefined,
  home: string,
  systemFile?: string,
): Promise<HostConfig> {
  const found: Found = { identityFiles: [] }

  function take(word: string, values: readonly string[]): void {
    const [first] = values
    if (first === undefined) return
    if (word === 'hostname') found.hostName ??= first
    else if (word === 'user') found.user ??= first
    else if (word === 'port') {
      const port = Number(first)
      if (Number.isInteger(port) && port > 0 && port <= maxPort) found.port ??= port
    } else if (word === 'identityfile') {
      if (first.toLowerCase() !== 'none') found.identityFiles.push(first)
    } else if (word === 'proxyjump') {
      if (found.proxyCommand === undefined) found.jump ??= first
    } else if (word === 'proxycommand') {
      if (found.jump === undefined) found.proxyCommand ??= values.join(' ')
    } else if (word === 'userknownhostsfile') found.knownHostsFiles ??= values
    else if (word === 'hostkeyalias') found.hostKeyAlias ??= first
  }

  async function read(file: string, beside: string, depth: number, outer: boolean): Promise<void> {
    if (depth > maxIncludeDepth) return
    const text = await readFile(file, 'utf8').catch(() => '')
    let applies = outer
    for (const raw of text.split(/\r?\n/)) {
      const line = readLine(raw)
      if (!line) continue
      const { word, values } = line
      if (word === 'host') applies = outer && matchesPatterns(values, alias)
      else if (word === 'match') applies = outer && isMatch(values, alias, user, found)
      else if (!applies) continue
      else if (word === 'include') {
        for (const pattern of values) {
          for (const included of await filesOf(pattern, home, beside)) await read(included, beside, depth + 1, true)
        }
      } else take(word, values)
    }
  }
  const own = join(home, '.ssh', 'config')
  await read(own, dirname(own), 0, true)
  if (systemFile !== undefined) await read(systemFile, dirname(systemFile), 0, true)

  const hostName = (found.hostName ?? alias).replaceAll('%h', alias).replaceAll('%%', '%')
  const tokens: Readonly<Record<string, string>> = {
    h: hostName,
    n: alias,
    p: String(found.port ?? 22),
    r: user ?? found.user ?? '',
    d: home,
    '%': '%',
  }
  const path = (text: string): string =>
    (text.startsWith('~/') ? join(home, text.slice(2)) : text).replace(
      /%(.)/g,
      (whole, token: string) => tokens[token] ?? whole,
    )
  const command = found.proxyCommand?.trim()
  const jump = found.jump ?? (command === undefined ? undefined : jumpOfCommand(command))
  return {
    hostName,
    ...(found.port === undefined ? {} : { port: found.port }),
    ...(found.user === undefined ? {} : { user: found.user }),
    identityFiles: found.identityFiles.map(path),
    ...(jump === undefined ? {} : { jump }),
    ...(command !== undefined && jump === undefined && command.toLowerCase() !== 'none'
      ? { proxyCommand: command }
      : {}),
    ...(found.knownHostsFiles === undefined ? {} : { knownHostsFiles: found.knownHostsFiles.map(path) }),
    ...(found.hostKeyAlias === undefined ? {} : { hostKeyAlias: found.hostKeyAlias }),
  }
}
