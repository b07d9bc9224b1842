/** `heartbeat_paths`: heartbeat paths beside the two that lvs.cf has words for. */
import type { DirectorAddresses, HeartbeatTiming } from '../config.ts'
import { ipv6Groups, ipv6Text, isSix, isUnusable6 } from '../ipv6.ts'
import type { Reader } from './reader.ts'
import { dotted, inetAton, isPlainAddress } from './values.ts'

const key = '#heartbeat_paths'

/** Canonical text of an address that a host can have; undefined for anything else. */
function addressOf(text: string): string | undefined {
  const groups = ipv6Groups(text)
  if (groups) return isUnusable6(groups) ? undefined : ipv6Text(groups)
  const number = isPlainAddress(text) ? inetAton(text) : undefined
  return number === undefined || number === 0 ? undefined : dotted(number)
}

/**
 * Pairs of addresses separated by commas, that of the first director first: `10.8.0.1 10.8.0.2, fd00::1 fd00::2`. A pair that is no path
 * of its own is reported.
 */
export function readMorePaths(
  global: Reader,
  directors: { readonly primary?: DirectorAddresses; readonly backup?: DirectorAddresses },
): Pick<HeartbeatTiming, 'more'> {
  const text = global.raw(key)
  if (text === undefined) return {}
  const used = new Set(
    [directors.primary, directors.backup].flatMap((d) => (d ? [d.public, ...(d.private ? [d.private] : [])] : [])),
  )
  const more: { primary: string; backup: string }[] = []
  for (const part of text.split(',').map((one) => one.trim())) {
    const [primary, backup, ...rest] = part.split(/[ \t]+/).map(addressOf)
    const isPath =
      primary !== undefined && backup !== undefined && rest.length === 0 && isSix(primary) === isSix(backup)
    if (!isPath || primary === backup || used.has(primary) || used.has(backup)) {
      global.report('lvscf-heartbeat-path', key, 'block', { value: part })
      continue
    }
    used.add(primary).add(backup)
    more.push({ primary, backup })
  }
  return more.length === 0 ? {} : { more }
}
