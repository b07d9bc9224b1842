/**
 * The virtual IPs on this host's interfaces and their announcement. Through the kernel door (no process) where it opens, else through
 * `ip` and `arping`. Before an address is added it is written into the held file, so that the unit can take it away again should this
 * process die: the file may name an address that is not there, never the other way round.
 */
import { execFile } from 'node:child_process'
import { rename, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { FloatingAddress } from '../../domain/config.ts'
import { isSix } from '../../domain/ipv6.ts'
import type { Route } from '../director/segment.ts'
import type { AddressChange, AddressResult, KernelAddresses } from '../director/words.ts'
import { outside, outside6, type Answer } from '../director/witness.ts'
import type { Kernel } from './kernel.ts'
import {
  arpRequest,
  gratuitousArp,
  macText,
  neighbourAdvertisement,
  neighbourSolicitation,
  readArp,
  readNeighbour,
} from './packets.ts'

/** A tool that has not ended after this is ended. */
const toolLimitMs = 5_000

export interface Addresses {
  /** Carries out all changes in order and says how each ended. */
  readonly change: (changes: readonly AddressChange[]) => Promise<readonly AddressResult[]>
  /** Writes down which addresses may be put up from now on; those held stay written down. */
  readonly reserve: (addresses: readonly FloatingAddress[]) => Promise<void>
  readonly look: () => Promise<KernelAddresses>
  /** Returns what failed; empty = everything was sent. */
  readonly announce: (addresses: readonly FloatingAddress[], burst: number) => Promise<readonly string[]>
  /** Asks the segment for the hardware address of `remote`, so that both neighbour tables learn after a partition. */
  readonly seek: (device: string, local: string, remote: string) => void
  /**
   * Asks who has these addresses, all of the source's family (ARP, neighbour solicitation); every frame of that kind that comes within a
   * moment is told, once per sender and question. False: the segment cannot be listened to.
   */
  readonly ask: (
    device: string,
    source: string,
    addresses: readonly string[],
    told: (answer: Answer) => void,
  ) => boolean
  /** Where the kernel sends packets for each of these; `default` is anybody outside. Empty where it cannot be asked. */
  readonly routes: (to: readonly string[]) => readonly Route[]
  /** Calls when a link or an address of this host has changed. */
  readonly watch: (stirred: () => void) => void
}

/** An IPv6 address is not waited for longer than this. */
const hereLimitMs = 100
/** Answers are listened for this long, looked for this often; so many frames are read in one look. */
const answerMs = 80
const answerLookMs = 4
const answerFrames = 256
/** Messages of the kernel about links and addresses are read this often: Node has no way to wait for them. */
const stirredLookMs = 40
/** An address outside every site (RFC 5737, RFC 3849): the way to it is the way to everybody outside. */
const outsideAddresses: Readonly<Record<string, string>> = { [outside]: '192.0.2.1', [outside6]: '2001:db8::1' }

function run(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { timeout: toolLimitMs, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim().split('\n')[0] || error.message))
      else resolve(stdout)
    })
  })
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * The kernel says yes to an IPv6 address before it takes its packets in: that is done by a work queue a moment later (addrconf.c).
 * Whatever came between an announcement and that moment would be lost.
 */
async function untilHere(kernel: Kernel, address: string): Promise<void> {
  const limitMs = performance.now() + hereLimitMs
  while (kernel.route(address)?.here !== true && performance.now() < limitMs) await delay(1)
}

/**
 * `heldFile` holds one line `ADDRESS/PREFIX DEVICE` per address that is, or is about to be, on an interface. It lies on a memory
 * file system, so writing it costs no disk.
 */
export function openAddresses(kernel: Kernel | null, heldFile: string, held: readonly AddressChange[]): Addresses {
  let ours = new Map(held.map((h) => [h.address, h]))
  const up = new Set(held.map((h) => h.address))
  let reserved = new Set<string>()
  const ears = new Map<string, Ear>()

  async function writeHeld(): Promise<void> {
    const text = [...ours.values()].map((c) => `${c.address}/${c.prefix} ${c.device}\n`).join('')
    await writeFile(`${heldFile}.new`, text, { mode: 0o644 })
    await rename(`${heldFile}.new`, heldFile)
  }

  async function one(change: AddressChange): Promise<string | undefined> {
    if (kernel) {
      const failed = kernel.change(change)
      if (failed === undefined && change.do === 'add' && isSix(change.address)) await untilHere(kernel, change.address)
      return failed
    }
    const label = change.label !== change.device && !isSix(change.address) ? ['label', change.label] : []
    const verb = change.do === 'add' ? 'replace' : 'del'
    try {
      await run('ip', [
        'address',
        verb,
        `${change.address}/${change.prefix}`,
        ...(change.do === 'add' && change.prefix < 31 && !isSix(change.address) ? ['broadcast', '+'] : []),
        'dev',
        change.device,
        ...(change.do === 'add' ? label : []),
        ...(change.do === 'add' && isSix(change.address) ? ['nodad', 'preferred_lft', '0'] : []),
      ])
      return undefined
    } catch (error) {
      const says = reason(error)
      return change.do === 'remove' && /Cannot assign requested address/.test(says) ? undefined : says
    }
  }

  return {
    async change(changes) {
      const adds = changes.filter((c) => c.do === 'add')
      const results: AddressResult[] = []
      // Removals cannot wait for anything.
      for (const change of changes.filter((c) => c.do === 'remove')) {
        const failed = await one(change)
        if (failed === undefined) {
          up.delete(change.address)
          if (!reserved.has(change.address)) ours.delete(change.address)
        }
        results.push({ change, ...(failed === undefined ? {} : { failed }) })
      }
      if (adds.some((a) => !ours.has(a.address))) {
        for (const add of adds) ours.set(add.address, add)
        try {
          await writeHeld()
        } catch (error) {
          // Without the file nobody would take the address away after a crash; the memory file system is not expected to fail.
          for (const change of adds) ours.delete(change.address)
          return [...results, ...adds.map((change) => ({ change, failed: `${heldFile}: ${reason(error)}` }))]
        }
      }
      for (const change of adds) {
        up.add(change.address)
        const failed = await one(change)
        results.push({ change, ...(failed === undefined ? {} : { failed }) })
      }
      if (adds.length === 0) await writeHeld().catch(() => undefined)
      return results
    },

    async reserve(addresses) {
      const next = addresses.map((a): AddressChange => {
        const six = isSix(a.address)
        const device = a.device.split(':')[0] ?? a.device
        return { do: 'add', address: a.address, prefix: a.prefix ?? (six ? 128 : 32), device, label: a.device }
      })
      reserved = new Set(next.map((a) => a.address))
      const kept = [...ours.values()].filter((a) => up.has(a.address) && !reserved.has(a.address))
      ours = new Map([...kept, ...next].map((a) => [a.address, a]))
      await writeHeld()
    },

    async look() {
      if (kernel) return kernel.addresses()
      const listed: unknown = JSON.parse(await run('ip', ['-json', 'address', 'show']))
      if (!Array.isArray(listed)) throw new Error('ip -json address: not a list')
      const links = listed as {
        ifname: string
        address?: string
        flags: string[]
        addr_info: { local?: string; prefixlen: number; label?: string }[]
      }[]
      return {
        addresses: links.flatMap((l) =>
          l.addr_info.flatMap((a) =>
            a.local ? [{ address: a.local, prefix: a.prefixlen, device: l.ifname, label: a.label ?? l.ifname }] : [],
          ),
        ),
        links: links.map((l) => ({
          device: l.ifname,
          up: l.flags.includes('UP') && l.flags.includes('LOWER_UP'),
          ...(l.address ? { mac: l.address } : {}),
        })),
      }
    },

    async announce(addresses, burst) {
      const failures: string[] = []
      for (const { address, device } of addresses) {
        const physical = device.split(':')[0] ?? device
        if (!kernel) {
          // `arping -A` waits a second between packets: it is not waited for.
          run('arping', ['-A', '-c', String(burst), '-I', physical, address]).catch(() => undefined)
          continue
        }
        const mac = kernel.link(physical)?.mac
        if (!mac) {
          failures.push(`${address}: ${physical} has no hardware address`)
          continue
        }
        for (let n = 0; n < burst; n++) {
          const failed = isSix(address)
            ? kernel.sendIcmp6(physical, address, neighbourAdvertisement(mac, address))
            : gratuitousArp(mac, address)
                .map((frame) => kernel.sendFrame(physical, frame))
                .find((f) => f !== undefined)
          if (failed !== undefined) {
            failures.push(`${address} on ${physical}: ${failed}`)
            break
          }
        }
      }
      return failures
    },

    seek(device, local, remote) {
      // Over IPv6 the kernel's own question is enough: it is asked for every beat that waits for an answer.
      const mac = isSix(local) ? null : kernel?.link(device)?.mac
      if (kernel && mac) kernel.sendFrame(device, question(mac, local, remote))
    },

    ask(device, source, addresses, told) {
      const mac = kernel?.link(device)?.mac
      if (!kernel || !mac) return false
      const own = macText(mac)
      const family = isSix(source) ? 'inet6' : 'inet'
      const ear = listen(device, family, kernel)
      if (!ear) return false
      const known = new Set<string>()
      ear.listeners.push({
        untilMs: performance.now() + answerMs,
        heard: (frame) => {
          const read = family === 'inet6' ? readNeighbour(frame) : readArp(frame)
          if (!read || read.mac === own) return
          const { address, mac: by } = read
          const to = read.reply && read.to.mac === own ? read.to.address : undefined
          const key = `${address} ${by} ${to ?? ''}`
          if (known.has(key)) return
          known.add(key)
          told({ device, address, mac: by, ...(to === undefined ? {} : { to }) })
        },
      })
      for (const address of addresses) kernel.sendFrame(device, question(mac, source, address))
      return true
    },

    routes(to) {
      if (!kernel) return []
      return to.flatMap((target): Route[] => {
        const route = kernel.route(outsideAddresses[target] ?? target)
        if (!route) return []
        // Without a gateway everybody outside is on the segment, and there is nobody to ask.
        if (outsideAddresses[target] !== undefined && route.gateway === undefined) return []
        return [{ to: target, hop: route.gateway ?? target, device: route.device }]
      })
    },

    watch(stirred) {
      const ear = kernel?.listenChanges()
      if (!ear) return
      setInterval(() => {
        if (ear.next()) stirred()
      }, stirredLookMs).unref()
    },
  }

  /** One ear per interface and family, open as long as somebody listens. */
  function listen(device: string, family: 'inet' | 'inet6', door: Kernel): Ear | null {
    const key = `${device} ${family}`
    const open = ears.get(key)
    if (open) return open
    const socket = door.listenNeighbours(device, family)
    if (typeof socket === 'string') return null
    const ear: Ear = { listeners: [] }
    ears.set(key, ear)
    const look = (): void => {
      for (let n = 0; n < answerFrames; n++) {
        const frame = socket.next()
        if (!frame) break
        for (const { heard } of ear.listeners) heard(frame)
      }
      const nowMs = performance.now()
      ear.listeners = ear.listeners.filter((l) => l.untilMs > nowMs)
      if (ear.listeners.length > 0) setTimeout(look, answerLookMs)
      else {
        ears.delete(key)
        socket.close()
      }
    }
    setTimeout(look, 1)
    return ear
  }
}

/** Who has `target`? Both of one family. */
function question(mac: Buffer, source: string, target: string): Buffer {
  return (isSix(source) ? neighbourSolicitation : arpRequest)(mac, source, target)
}

interface Ear {
  listeners: { readonly untilMs: number; readonly heard: (frame: Buffer) => void }[]
}
