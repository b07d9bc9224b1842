/** `shoal show`: an lvs.cf file as Shoal understands it. */
import { decodeDocument } from '../../core/document-bytes.ts'
import type { Check } from '../../domain/checks.ts'
import { sayCheck } from '../../domain/checks.ts'
import type { Config, DirectorAddresses, FloatingAddress } from '../../domain/config.ts'
import { endpoint } from '../../domain/ipvs/keys.ts'
import { heartbeatPairs } from '../../domain/heartbeat-paths.ts'
import { check } from '../../domain/lvscf/check.ts'
import { exitClean, exitProblems, exitUnreadable } from './check.ts'
import { readBytes } from './files.ts'
import { orderedJson, problemForJson, problemLine, terminalLanguage } from './print.ts'

export interface ShowOptions {
  readonly json?: boolean
}

/** Answers the exit status: 0 shown, 1 when problems stand in the way, 2 when the file cannot be read. */
export async function showFile(file: string, options: ShowOptions): Promise<number> {
  const language = terminalLanguage(process.env)
  const bytes = await readBytes(file)
  if (!bytes.ok) {
    const said = bytes.problems.map((one) => problemForJson(one, language))
    if (options.json) process.stdout.write(`${orderedJson({ file, config: null, problems: said })}\n`)
    else for (const one of bytes.problems) process.stderr.write(`${problemLine(file, one, language)}\n`)
    return exitUnreadable
  }
  const { config, problems } = check(decodeDocument(bytes.value).text)
  const blocking = problems.filter((one) => one.severity === 'block')
  if (options.json) {
    const said = problems.map((one) => problemForJson(one, language))
    process.stdout.write(`${orderedJson({ file, config: config ?? null, problems: said })}\n`)
  } else if (config) process.stdout.write(`${describe(config)}\n`)
  else for (const one of blocking) process.stderr.write(`${problemLine(file, one, language)}\n`)
  return config ? exitClean : exitProblems
}

function describe(config: Config): string {
  const out: string[] = []
  const { heartbeat } = config
  if (config.primary) out.push(`director  ${addresses(config.primary)} (primary)`)
  if (config.backup) out.push(`director  ${addresses(config.backup)} (backup)`)
  out.push(
    config.backupActive
      ? `heartbeat UDP ${heartbeat.port}, every ${seconds(heartbeat.keepaliveMs)}, dead after ${seconds(heartbeat.deadtimeMs)}`
      : 'heartbeat none: the second director does not take over',
  )
  // The first two are the directors' own addresses.
  if (config.backupActive)
    for (const { name, primary, backup } of heartbeatPairs(config).filter(({ name }) => name.startsWith('path')))
      out.push(`  ${name}   ${primary} and ${backup}`)
  const gateways = [config.natRouter, config.natRouter6].flatMap((router) => (router ? [floating(router)] : []))
  out.push(
    `network   ${[config.forwarding, ...(gateways.length > 0 ? [`gateway ${gateways.join(', ')}`] : [])].join(', ')}`,
  )
  for (const virtual of config.virtualServers) {
    const service = virtual.fwmark === undefined ? `${virtual.port}/${virtual.protocol}` : `mark ${virtual.fwmark}`
    const sticky = virtual.persistentS === undefined ? '' : `, persistent ${virtual.persistentS} s`
    out.push(
      '',
      `virtual   ${virtual.name}${virtual.active ? '' : ' (inactive)'}: ${floating(virtual.vip)} ${service}, ${virtual.scheduler}${sticky}`,
    )
    out.push(`  check   ${checked(virtual.check)}`)
    for (const server of virtual.realServers) {
      out.push(
        `  server  ${server.name}${server.active ? '' : ' (inactive)'}: ${endpoint(server.address, server.port)}, weight ${server.weight}`,
      )
    }
    if (virtual.sorryServer !== undefined) out.push(`  sorry   ${endpoint(virtual.sorryServer, virtual.port)}`)
  }
  return out.join('\n')
}

function addresses(director: DirectorAddresses): string {
  return director.private === undefined ? director.public : `${director.public}, ${director.private}`
}

function floating(address: FloatingAddress): string {
  return `${address.address}${address.prefix === undefined ? '' : `/${address.prefix}`} on ${address.device}`
}

function seconds(milliseconds: number): string {
  return milliseconds % 1_000 === 0 ? `${milliseconds / 1_000} s` : `${milliseconds} ms`
}

function checked(check: Check): string {
  return `${sayCheck(check)}, every ${seconds(check.intervalMs)}, up after ${check.rise}, down after ${check.fall}`
}
