/**
 * A director that is about to take over, or has just done so, refuses no connection: a TCP reset from a virtual IP, for a packet of a
 * connection that its IPVS does not know yet, does not leave it, and the client sends again. Done where resets go out, in a chain of our
 * own (nft where it works, else iptables and ip6tables), because what IPVS serves never gets there: it takes its packets before the local
 * stack sees them, and replies of real servers are forwarded. On a standby, which has no virtual IP, the rules do nothing.
 */
import { isSix } from '../../domain/ipv6.ts'
import type { Errands } from './errands.ts'

const chain = 'SHOAL-HANDOVER'
const nftTable = 'inet shoal_handover'
/** iptables-restore waits this long for another one to end, in seconds. */
const lockWaitS = '5'

/** What the rules were made with. */
export const refusalTools = ['nft', 'iptables', 'ip6tables'] as const
export type RefusalTool = (typeof refusalTools)[number]

/** For `nft -f -`: the table is replaced as a whole; without addresses it is taken away. */
export function nftRefusals(addresses: readonly string[]): string {
  const gone = `table ${nftTable}\ndelete table ${nftTable}\n`
  if (addresses.length === 0) return gone
  const rule = (family: 'ip' | 'ip6', own: readonly string[]): readonly string[] =>
    own.length === 0 ? [] : [`    ${family} saddr { ${own.join(', ')} } tcp flags & rst == rst drop`]
  const lines = [
    ...rule(
      'ip',
      addresses.filter((a) => !isSix(a)),
    ),
    ...rule('ip6', addresses.filter(isSix)),
  ]
  return `${gone}table ${nftTable} {\n  chain output {\n    type filter hook output priority 0; policy accept;\n${lines.join('\n')}\n  }\n}\n`
}

/** For `iptables-restore --noflush`; `saved` is what `iptables-save -t filter` tells. Null: there is nothing to do. */
export function iptablesRefusals(addresses: readonly string[], saved: string): string | null {
  const lines = saved.split('\n').map((line) => line.trim())
  const unhook = lines
    .filter((line) => line.startsWith('-A ') && line.endsWith(` -j ${chain}`))
    .map((line) => line.replace('-A ', '-D '))
  const isThere = lines.some((line) => line.startsWith(`:${chain} `))
  if (addresses.length === 0)
    return isThere ? `*filter\n${[...unhook, `-F ${chain}`, `-X ${chain}`].join('\n')}\nCOMMIT\n` : null
  const rules = addresses.map((a) => `-A ${chain} -s ${a}/${isSix(a) ? 128 : 32} -p tcp --tcp-flags RST RST -j DROP`)
  // Naming an existing chain of one's own empties it (iptables-restore(8), --noflush).
  return `*filter\n:${chain} - [0:0]\n${[...unhook, ...rules, `-I OUTPUT -j ${chain}`].join('\n')}\nCOMMIT\n`
}

async function setIptables(
  errands: Errands,
  file: 'iptables' | 'ip6tables',
  addresses: readonly string[],
): Promise<string | null> {
  const saved = await errands.run(`${file}-save`, ['-t', 'filter'])
  if (saved.failed) return saved.failed
  const script = iptablesRefusals(addresses, saved.said)
  return script && (await errands.run(`${file}-restore`, ['--noflush', '-w', lockWaitS], script)).failed
}

/** Puts the rules in place, replacing older ones; says with what, and what failed. `by`: what made the older ones. */
export async function setRefusals(
  errands: Errands,
  addresses: readonly string[],
  by: readonly RefusalTool[],
): Promise<{ readonly by: readonly RefusalTool[]; readonly failures: readonly string[] }> {
  let nftFailed: string | null = null
  if (!by.includes('iptables') && !by.includes('ip6tables')) {
    nftFailed = (await errands.run('nft', ['-f', '-'], nftRefusals(addresses))).failed
    if (nftFailed === null) return { by: ['nft'], failures: [] }
  }
  const made: RefusalTool[] = []
  const failures: string[] = []
  for (const file of ['iptables', 'ip6tables'] as const) {
    const own = addresses.filter((a) => isSix(a) === (file === 'ip6tables'))
    if (own.length === 0 && !by.includes(file)) continue
    const failed = await setIptables(errands, file, own)
    if (failed) failures.push(failed)
    else if (own.length > 0) made.push(file)
  }
  return { by: made, failures: failures.length > 0 && nftFailed ? [nftFailed, ...failures] : failures }
}

/** Takes the rules away. Returns what failed. */
export async function dropRefusals(errands: Errands, by: readonly RefusalTool[]): Promise<readonly string[]> {
  const failures: string[] = []
  for (const file of by) {
    const failed =
      file === 'nft'
        ? (await errands.run('nft', ['-f', '-'], nftRefusals([]))).failed
        : await setIptables(errands, file, [])
    if (failed) failures.push(failed)
  }
  return failures
}
