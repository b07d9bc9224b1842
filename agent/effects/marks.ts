/**
 * The marking rules in the packet filter, in a chain of our own: with nft where it works, else with iptables and ip6tables (their
 * mangle table). The chain is replaced as a whole, in one transaction per tool, and hooked before routing and for what the director
 * itself sends; nothing else in the filter is touched. A file in /run/shoal says which tool made it, until the next reboot.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isSix } from '../../domain/ipv6.ts'
import { markLine, type MarkRule } from '../../domain/ipvs/marks.ts'
import type { Found } from '../director/surroundings.ts'
import { complaint, tool } from './tool.ts'

/** In the mangle table of iptables and ip6tables. */
const chain = 'SHOAL-MARKS'
/** Of nft, family inet: both kinds of addresses. */
const nftTable = 'inet shoal_marks'
const markerName = 'marks'
/** iptables-restore waits this long for another one to end, in seconds. */
const lockWaitS = '5'

type MarkTool = 'nft' | 'iptables'
type FoundMarks = NonNullable<Found['marks']>

const isOfSix = (rule: MarkRule): boolean => isSix(rule.address)

function dashed(ports: MarkRule['ports'], dash: string): string {
  if (!ports) return ''
  return ports.from === ports.to ? `${ports.from}` : `${ports.from}${dash}${ports.to}`
}

/** The whole table for `nft -f -`: replaced in one transaction, whether it was there or not. */
export function nftScript(rules: readonly MarkRule[]): string {
  const gone = `table ${nftTable}\ndelete table ${nftTable}\n`
  if (rules.length === 0) return gone
  const lines = rules.map((rule) => {
    const ports = rule.ports ? `${rule.protocol} dport ${dashed(rule.ports, '-')}` : `meta l4proto ${rule.protocol}`
    return `    ${isOfSix(rule) ? 'ip6' : 'ip'} daddr ${rule.address} ${ports} meta mark set ${rule.mark}`
  })
  const hook = (name: string): string =>
    `  chain ${name} {\n    type filter hook ${name} priority -150; policy accept;\n    jump marks\n  }`
  return `${gone}table ${nftTable} {\n  chain marks {\n${lines.join('\n')}\n  }\n${hook('prerouting')}\n${hook('output')}\n}\n`
}

function rangeOf(text: string | undefined): MarkRule['ports'] {
  if (text === undefined) return undefined
  const [from = '', to = from] = text.split(/[-:]/)
  return { from: Number(from), to: Number(to) }
}

function lineOf(address: string, protocol: string, ports: string | undefined, mark: number): string {
  const range = rangeOf(ports)
  return markLine({ address, protocol: protocol as MarkRule['protocol'], ...(range ? { ports: range } : {}), mark })
}

/** Reads `nft -n list table …`. Rules of the chain that are not ours in form come as the tool says them. */
export function parseNft(text: string): FoundMarks {
  const lines: string[] = []
  const hooks = new Set<string>()
  let at = ''
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    const begin = /^chain (\S+) \{$/.exec(line)
    if (begin?.[1]) at = begin[1]
    else if (line === '}') at = ''
    else if (line === 'jump marks') hooks.add(at)
    else if (at === 'marks' && line !== '') {
      const rule =
        /^ip6? daddr (\S+) (?:(tcp|udp) dport (\d+(?:-\d+)?)|meta l4proto (tcp|udp|6|17)) meta mark set (0x[0-9a-f]+|\d+)$/.exec(
          line,
        )
      const protocol = rule?.[2] ?? { '6': 'tcp', '17': 'udp' }[rule?.[4] ?? ''] ?? rule?.[4]
      lines.push(rule?.[1] && protocol ? lineOf(rule[1], protocol, rule[3], Number(rule[5])) : line)
    }
  }
  return { lines, hooked: hooks.has('prerouting') && hooks.has('output') }
}

/** Reads `iptables-save -t mangle`; null = our chain is not there. `hooks`: the jumps to it. */
export function parseIptables(text: string): (FoundMarks & { readonly hooks: readonly string[] }) | null {
  const all = text.split('\n').map((line) => line.trim())
  if (!all.some((line) => line.startsWith(`:${chain} `))) return null
  const hooks = all.filter((line) => line.startsWith('-A ') && line.endsWith(` -j ${chain}`))
  const lines = all
    .filter((line) => line.startsWith(`-A ${chain} `))
    .map((line) => {
      const rule =
        /^-A \S+ -d ([0-9a-f.:]+)\/(?:32|128) -p (tcp|udp)(?: -m (?:tcp|udp) --dport (\d+(?::\d+)?))? -j MARK --set-xmark (0x[0-9a-f]+)\/0xffffffff$/.exec(
          line,
        )
      return rule?.[1] && rule[2] ? lineOf(rule[1], rule[2], rule[3], Number(rule[4])) : line
    })
  return {
    lines,
    hooked: ['PREROUTING', 'OUTPUT'].every((from) => hooks.includes(`-A ${from} -j ${chain}`)),
    hooks,
  }
}

/** The lines for `iptables-restore --noflush` that make our chain exactly these rules; none = no chain. */
export function iptablesScript(rules: readonly MarkRule[], hooks: readonly string[] | null): string | null {
  if (rules.length === 0 && hooks === null) return null
  const unhook = (hooks ?? []).map((line) => line.replace('-A ', '-D '))
  if (rules.length === 0) return `*mangle\n${[...unhook, `-F ${chain}`, `-X ${chain}`].join('\n')}\nCOMMIT\n`
  const lines = rules.map((rule) => {
    const ports = rule.ports ? ` -m ${rule.protocol} --dport ${dashed(rule.ports, ':')}` : ''
    const whole = isOfSix(rule) ? 128 : 32
    return `-A ${chain} -d ${rule.address}/${whole} -p ${rule.protocol}${ports} -j MARK --set-mark ${rule.mark}`
  })
  const hook = ['PREROUTING', 'OUTPUT'].map((from) => `-I ${from} -j ${chain}`)
  // Naming an existing chain of one's own empties it (iptables-restore(8), --noflush).
  return `*mangle\n:${chain} - [0:0]\n${[...unhook, ...lines, ...hook].join('\n')}\nCOMMIT\n`
}

export interface Marks {
  /** What is there; null = no chain of ours. A text: why it cannot be known. */
  readonly look: () => Promise<Found['marks'] | string>
  /** Makes the chain exactly these rules; none = no chain. Returns what failed. */
  readonly set: (rules: readonly MarkRule[]) => Promise<readonly string[]>
}

/** `runDir`: where the tool that made the chain is written down. */
export function openMarks(runDir: string): Marks {
  const marker = path.join(runDir, markerName)
  let madeBy: MarkTool | null | undefined

  async function maker(): Promise<MarkTool | null> {
    if (madeBy === undefined) {
      const text = (await readFile(marker, 'utf8').catch(() => '')).trim()
      madeBy = text === 'nft' || text === 'iptables' ? text : null
    }
    return madeBy
  }

  async function made(by: MarkTool | null): Promise<void> {
    madeBy = by
    if (by === null) await rm(marker, { force: true })
    else await writeFile(marker, `${by}\n`)
  }

  async function lookIptables(six: boolean): Promise<ReturnType<typeof parseIptables> | string> {
    const ended = await tool(six ? 'ip6tables-save' : 'iptables-save', ['-t', 'mangle'])
    if (ended.failed) return six ? null : (complaint(ended) ?? '')
    return parseIptables(ended.stdout)
  }

  async function look(): Promise<Found['marks'] | string> {
    const by = await maker()
    if (by === null) return null
    if (by === 'nft') {
      const ended = await tool('nft', ['-n', 'list', 'table', ...nftTable.split(' ')])
      if (!ended.failed) return parseNft(ended.stdout)
      return /No such file/.test(ended.stderr) ? null : (complaint(ended) ?? '')
    }
    const four = await lookIptables(false)
    if (typeof four === 'string') return four
    const six = await lookIptables(true)
    if (typeof six === 'string') return six
    if (!four && !six) return null
    return {
      lines: [...(four?.lines ?? []), ...(six?.lines ?? [])],
      hooked: (four?.hooked ?? true) && (six?.hooked ?? true),
    }
  }

  async function setIptables(rules: readonly MarkRule[]): Promise<readonly string[]> {
    const failures: string[] = []
    for (const six of [false, true]) {
      const own = rules.filter((rule) => isOfSix(rule) === six)
      // A host without IPv6 rules of ours is not made to load the IPv6 filter.
      const there = six && own.length === 0 && (await maker()) === null ? null : await lookIptables(six)
      if (typeof there === 'string') return [there]
      const script = iptablesScript(own, there?.hooks ?? null)
      if (script === null) continue
      const restore = six ? 'ip6tables-restore' : 'iptables-restore'
      const failed = complaint(await tool(restore, ['--noflush', '-w', lockWaitS], script))
      if (failed) failures.push(failed)
    }
    return failures
  }

  return {
    look,
    async set(rules) {
      const by = await maker()
      if (rules.length === 0 && by === null) return []
      let nftFailed = ''
      if (by !== 'iptables') {
        const ended = await tool('nft', ['-f', '-'], nftScript(rules))
        if (!ended.failed) {
          await made(rules.length === 0 ? null : 'nft')
          return []
        }
        if (by === 'nft') return [complaint(ended) ?? '']
        nftFailed = complaint(ended) ?? ''
      }
      const failures = await setIptables(rules)
      if (failures.length === 0) await made(rules.length === 0 ? null : 'iptables')
      return failures.length > 0 && nftFailed !== '' ? [nftFailed, ...failures] : failures
    },
  }
}
