/** The services most clusters serve, as the wizard offers them: ports, scheduler, persistence and a check that suits the protocol. */
import { newService } from './cluster-lvscf.ts'
import type { ServiceDraft } from './cluster.ts'

export const serviceTemplates = ['web-sticky', 'web', 'mail', 'dns', 'database', 'other'] as const
export type ServiceTemplate = (typeof serviceTemplates)[number]

type Check = Pick<ServiceDraft['check'], 'kind' | 'send' | 'expect'>

const connect: Check = { kind: 'connect', send: '', expect: '' }
const http: Check = { kind: 'send-expect', send: 'GET / HTTP/1.0\\r\\n\\r\\n', expect: 'HTTP' }
/** A greeting the server sends by itself (RFC 5321 4.2: 220 on connection). */
const smtp: Check = { kind: 'send-expect', send: '', expect: '220' }
/**
 * A DNS header made of letters: its second half word is an opcode no server implements, so a live one answers NOTIMP or FORMERR, and
 * every answer begins with the id that was sent (RFC 1035 4.1.1).
 */
const dnsHeader: Check = { kind: 'send-expect', send: 'SHOALCHECKAA', expect: 'SH' }

/** Ten minutes cover the think time of a person at a form. */
const stickyS = '600'

const entries: Readonly<
  Record<
    ServiceTemplate,
    readonly {
      name: string
      port: string
      protocol: 'tcp' | 'udp'
      scheduler: string
      persistentS: string
      check: Check
    }[]
  >
> = {
  'web-sticky': [
    { name: 'web', port: '80', protocol: 'tcp', scheduler: 'wlc', persistentS: stickyS, check: http },
    { name: 'web-tls', port: '443', protocol: 'tcp', scheduler: 'wlc', persistentS: stickyS, check: connect },
  ],
  web: [{ name: 'web', port: '80', protocol: 'tcp', scheduler: 'rr', persistentS: '', check: http }],
  mail: [
    { name: 'smtp', port: '25', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: smtp },
    { name: 'imaps', port: '993', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: connect },
  ],
  dns: [
    { name: 'dns-udp', port: '53', protocol: 'udp', scheduler: 'rr', persistentS: '', check: dnsHeader },
    { name: 'dns-tcp', port: '53', protocol: 'tcp', scheduler: 'rr', persistentS: '', check: connect },
  ],
  database: [{ name: 'db', port: '3306', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: connect }],
  other: [{ name: 'service', port: '', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: connect }],
}

/** The services of a template, with ids and names that are not among those there already. */
export function servicesOf(template: ServiceTemplate, present: readonly ServiceDraft[]): ServiceDraft[] {
  const taken = new Set(present.flatMap(({ id, name }) => [id, name]))
  const free = (wanted: (number: number) => string, first: number): { text: string; number: number } => {
    let number = first
    while (taken.has(wanted(number))) number += 1
    taken.add(wanted(number))
    return { text: wanted(number), number }
  }
  return entries[template].map(({ check, ...entry }) => {
    const { number } = free((n) => `service-${n}`, 1)
    const base = newService(number)
    const name = free((n) => (n === 1 ? entry.name : `${entry.name}${n}`), 1).text
    return { ...base, ...entry, name, check: { ...base.check, ...check } }
  })
}
