/**
 * Runs checks and says how each ended: one file per kind, one door to all of them. A check never rejects, ends at its timeout at the
 * latest and leaves nothing open.
 */
import type { Probe } from '../../director/words.ts'
import type { Kernel } from '../kernel.ts'
import { dns } from './dns.ts'
import { ldap, mysql, postgresql, redis, smtp } from './greetings.ts'
import { failure, sentenceOf, type Outcome } from './outcome.ts'
import { openPing } from './ping.ts'
import { program, script } from './program.ts'
import { tcp } from './tcp.ts'
import { openThrough } from './through.ts'
import { udp } from './udp.ts'
import { web } from './web.ts'

export type RunProbe = (probe: Probe) => Promise<Outcome>

/** Opens nothing before the first check that needs it. `kernel`: for echo requests and for asking through a real server. */
export function openProbes(kernel: Kernel | null): RunProbe {
  const ping = openPing(kernel)
  const through = openThrough(kernel)

  function ask({ address, port: ownPort, protocol, check }: Probe): Promise<Outcome> {
    const place = { address, port: check.port ?? ownPort, timeoutMs: check.timeoutMs }
    switch (check.kind) {
      case 'connect':
        return protocol === 'udp' ? udp(place, { regex: false }) : tcp(place, { regex: false })
      case 'send-expect':
        return protocol === 'udp' ? udp(place, check) : tcp(place, check)
      case 'udp':
        return udp(place, check)
      case 'program':
        return program(place, check)
      case 'script':
        return script(place, check.words)
      case 'http':
      case 'https':
        return web(place, check)
      case 'dns':
        return dns(place, protocol, check)
      case 'smtp':
        return smtp(place, check.host)
      case 'ldap':
        return ldap(place)
      case 'redis':
        return redis(place)
      case 'mysql':
        return mysql(place, check.user)
      case 'postgresql':
        return postgresql(place, check.user)
      case 'ping':
        return ping(address, check.timeoutMs)
    }
  }

  return async (probe) => {
    try {
      if (!probe.via) return await ask(probe)
      const [plain, through_] = await Promise.all([ask(probe), through(probe)])
      if (!plain.passed) return plain
      return through_.passed && through_.warns === undefined ? plain : through_
    } catch (error) {
      return failure(sentenceOf(error))
    }
  }
}
