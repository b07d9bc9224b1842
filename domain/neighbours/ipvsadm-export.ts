/**
 * lvs.cf → the lines `ipvsadm -R` and ipvsadm-restore read: the kernel's table as it is when every real server is well. Checks, sorry
 * servers, directors and addresses have no place in it. No comments: not every reader of these lines takes them.
 */
import type { Forwarding } from '../config.ts'
import { methodOption, serviceKey, serviceOption } from '../ipvs/keys.ts'
import { prefixToMask } from '../ipv4.ts'
import { chosenKeys } from './checks.ts'
import type { Exported } from './keepalived-export.ts'
import { sayAddresses, sayDirectors } from './ldirectord-export.ts'
import type { Ledger } from './report.ts'
import { newLedger } from './report.ts'
import type { SourceVirtual } from './source.ts'
import { carryLines, readSource, sayInactive, sayLines } from './source.ts'

const format = 'ipvsadm'

/** Writes a table for `ipvsadm -R`. Never throws. */
export function exportIpvsadm(text: string): Exported {
  const ledger = newLedger()
  const source = readSource(text, ledger)
  if (!source) return { files: [], report: ledger.report() }
  const { config } = source
  const { tcpS, tcpFinS, udpS } = config.timeouts
  const table = source.virtuals.flatMap((virtual) => virtualLines(virtual, config.forwarding, ledger))
  const lines = [...(tcpS + tcpFinS + udpS > 0 ? [`--set ${tcpS} ${tcpFinS} ${udpS}`] : []), ...table]
  carryLines(source.lines, ['tcp_timeout', 'tcpfin_timeout', 'udp_timeout'], ledger)
  if (config.syncDaemon) {
    const keys = ['syncdaemon', 'syncd_iface', 'syncd_id']
    sayLines(source.lines, keys, 'convert-lost-directors', (what) => ({ what, format }), ledger)
  }
  sayDirectors(source, format, ledger)
  source.sweep(format)
  const files = [
    { name: 'ipvsadm.rules', director: 'either', text: lines.map((line) => `${line}\n`).join('') } as const,
  ]
  return { files, report: ledger.report() }
}

const checkKeys = [
  ...['send', 'expect', 'send_program', 'timeout', 'reentry', '#check_interval_ms', '#check_timeout_ms'],
  ...chosenKeys,
]
const failureKeys = ['#rise', '#fall', 'quiesce_server']

function virtualLines(source: SourceVirtual, forwarding: Forwarding, ledger: Ledger): string[] {
  const { virtual, lines } = source
  if (!virtual?.active) {
    sayInactive(source, format, ledger)
    return []
  }
  ledger.say('convert-note-name', source.at, { name: source.name, format })
  sayAddresses(source, format, ledger)
  carryLines(lines, ['active', 'fwmark', 'port', 'protocol', 'scheduler', 'persistent', 'pmask'], ledger)
  sayLines(lines, [...checkKeys, ...failureKeys], 'convert-lost-check', (what) => ({ what, format }), ledger, source.at)
  carryLines(lines, ['use_regex'], ledger)
  if (virtual.sorryServer !== undefined) {
    sayLines(lines, ['sorry_server'], 'convert-lost-word', (what) => ({ what, format }), ledger)
  }
  if (virtual.loadMonitor !== undefined) {
    sayLines(lines, ['load_monitor'], 'convert-lost-load', (what) => ({ what, format }), ledger)
  }
  const service = serviceOption(serviceKey(virtual))
  const persistence =
    virtual.persistentS === undefined
      ? ''
      : ` -p ${virtual.persistentS}${virtual.persistentPrefix === undefined ? '' : ` -M ${prefixToMask(virtual.persistentPrefix)}`}`
  const out = [`-A ${service} -s ${virtual.scheduler}${persistence}`]
  for (const server of source.servers) {
    carryLines(server.lines, ['active', 'address', 'port', 'weight'], ledger)
    const { real, name } = server
    if (name !== real?.address) ledger.say('convert-note-name', server.at, { name, format })
    if (!real?.active) {
      ledger.say('convert-lost-inactive', server.lines.get('active')?.at ?? server.at, { name: server.name, format })
      continue
    }
    out.push(`-a ${service} -r ${real.address}:${real.port} ${methodOption[forwarding]} -w ${real.weight}`)
  }
  return out
}
