/** The services most clusters serve, as the wizard offers them: ports, scheduler, persistence and a check that suits the protocol. */
import { newService } from './cluster-lvscf.ts'
import type { ServiceDraft } from './cluster.ts'

export const serviceTemplates = ['web-sticky', 'web', 'mail', 'dns', 'database', 'other'] as const
export type ServiceTemplate = (typeof serviceTemplates)[number]

type Check = Partial<ServiceDraft['check']>

const connect: Check = { kind: 'connect', send: '', expect: '' }
/** Any page that is no error of the client or the server. */
const http: Check = { kind: 'http' }
const https: Check = { kind: 'https' }
const smtp: Check = { kind: 'smtp' }
/** The handshake is completed: servers block a host whose connections end in the middle of it. */
const mysql: Check = { kind: 'mysql' }
/** The servers of the root: every resolver knows them. */
const dns: Check = { kind: 'dns' }

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
    { name: 'web-tls', port: '443', protocol: 'tcp', scheduler: 'wlc', persistentS: stickyS, check: https },
  ],
  web: [{ name: 'web', port: '80', protocol: 'tcp', scheduler: 'rr', persistentS: '', check: http }],
  mail: [
    { name: 'smtp', port: '25', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: smtp },
    { name: 'imaps', port: '993', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: connect },
  ],
  dns: [
    { name: 'dns-udp', port: '53', protocol: 'udp', scheduler: 'rr', persistentS: '', check: dns },
    { name: 'dns-tcp', port: '53', protocol: 'tcp', scheduler: 'rr', persistentS: '', check: dns },
  ],
  database: [{ name: 'db', port: '3306', protocol: 'tcp', scheduler: 'wlc', persistentS: '', check: mysql }],
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
