/**
 * Keeping the kernel as it should be: at the end of every step the table and the addresses are compared with what was last seen of
 * them, and the difference is ordered. After an order what was seen is forgotten and looked at again, because an order is not a
 * fact. A difference that appears without an order of ours is drift: somebody changed it behind our back; it is said and repaired.
 */
import type { FloatingAddress } from '../../domain/config.ts'
import { bareMark6, type KernelTable } from '../../domain/ipvs/kernel-table.ts'
import { compareService, dropService, inOrder, type Difference } from '../../domain/ipvs/table.ts'
import type { ServiceState } from './health.ts'
import { wanted } from './ipvs.ts'
import { floating, interfaceOf, ownAddresses, prefixOf, type Kernel, type State, type Work } from './state.ts'
import { tookOver } from './takeover.ts'
import type { AddressChange, AddressResult, Input, KernelAddress } from './words.ts'

/** Addresses are looked at this often (one netlink dump, no process). */
const addressLookMs = 500
/** The table is looked at (one read of /proc/net/ip_vs) this often, the less often the larger it is: a look takes a pause of its own. */
const tableLookMs = { least: 500, eachServer: 0.2, most: 2_000 }
/** A look that has no answer after this is taken as lost and made again. */
const lookLimitMs = 3_000
/** An ipvsadm batch that has no answer after this is taken as lost. */
const applyLimitMs = 10_000
/** A change that did not hold is ordered again at once this often, then once per `retryMs`. */
const promptTries = 2
const retryMs = 1_000
/**
 * While one change follows another, the table rests this many times as long as the last order took until the table was seen (an ipvsadm, a
 * look and a comparison of everything), but not longer than `mostMs`: what changes meanwhile goes with the next order.
 */
const orderPause = { times: 3, mostMs: 500 }
/** A takeover does not wait longer than this for the table before it puts the addresses up. */
const tableWaitMs = 500
/** A director that could put up no address at all leaves it to the other one for this long. */
const cannotHoldMs = 10_000
/** Counters are read this often while somebody watches. */
const countMs = 2_000
/** Drift that could not be repaired after this many tries is written down as not repaired. */
const giveUpTries = 3

function set(w: Work, change: Partial<Kernel>): void {
  w.s.kernel = { ...w.s.kernel, ...change }
}

function tableLookEveryMs({ health }: State): number {
  const last = health.services.at(-1)
  const servers = last ? last.firstAt + last.servers.length : 0
  return Math.min(tableLookMs.most, Math.max(tableLookMs.least, servers * tableLookMs.eachServer))
}

/** Asks for a look; an older answer still on its way will be ignored. */
function look(w: Work, what: 'addresses' | 'table'): void {
  const number = w.s.kernel.look + 1
  const { ms } = w.now
  if (what === 'table')
    set(w, { look: number, tableLook: number, tableAskedMs: ms, nextTableMs: ms + tableLookEveryMs(w.s) })
  else set(w, { look: number, addressLook: number, addressAskedMs: ms, nextAddressMs: ms + addressLookMs })
  w.out.push({ kind: 'observe', what, look: number })
}

/** Takes in an answer about the kernel. */
export function seen(
  w: Work,
  input: Extract<Input, { kind: 'observed' | 'unobserved' | 'applied' | 'addressed' }>,
): void {
  const { s, now } = w
  switch (input.kind) {
    case 'observed':
      if (input.what === 'table') {
        if (input.look !== s.kernel.tableLook) return
        const { orderedMs } = s.kernel
        const pauseMs = orderedMs === null ? 0 : Math.min(orderPause.mostMs, orderPause.times * (now.ms - orderedMs))
        set(w, {
          ...(orderedMs === null ? {} : { orderedMs: null, orderFromMs: now.ms + pauseMs }),
          table: input.table,
          lastTable: input.table,
          lookTrouble: null,
          tableAtMs: now.ms,
          tableAskedMs: null,
          absent: null,
        })
      } else {
        if (input.look !== s.kernel.addressLook) return
        set(w, { addresses: input.addresses, addressAtMs: now.ms, addressAskedMs: null })
      }
      return
    case 'unobserved':
      if (input.what === 'table' && input.look === s.kernel.tableLook) {
        set(w, { table: null, tableAskedMs: null, absent: input.absent ? input.says : s.kernel.absent })
        lookFailed(w, input.says)
      }
      if (input.what === 'addresses' && input.look === s.kernel.addressLook) {
        set(w, { addresses: null, addressAskedMs: null })
        lookFailed(w, input.says)
      }
      return
    case 'applied':
      set(w, { applyingSinceMs: null, applyFailures: input.failures })
      if (input.failures.length > 0 && s.kernel.applyTries <= 1)
        trouble(w, `ipvsadm: ${input.failures.slice(0, 5).join('; ')}`)
      look(w, 'table')
      return
    case 'addressed':
      addressed(w, input.results)
      return
  }
}

function addressed(w: Work, results: readonly AddressResult[]): void {
  const { s, now } = w
  const failed = results.filter((r) => r.failed !== undefined)
  if (failed.length > 0) {
    set(w, { addressHoldMs: now.ms + retryMs })
    if (s.kernel.addressTries <= 1)
      for (const { change, failed: why } of failed)
        trouble(w, `${change.address} on ${change.device}: ${change.do} failed: ${why}`)
  }
  const wantedUp = s.role === 'active' && results.some((r) => r.change.do === 'add')
  if (wantedUp && s.config) {
    const up = results.filter((r) => r.change.do === 'add' && r.failed === undefined).map((r) => r.change.address)
    const addresses = floating(s.config).filter((a) => up.includes(a.address))
    if (s.takeover && addresses.length > 0) s.takeover = { ...s.takeover, addressUpMs: now.ms }
    if (addresses.length > 0) w.out.push({ kind: 'announce', addresses, burst: s.config.announce.burst })
    else if (s.takeover) {
      const says = `No virtual IP can be put on an interface: ${failed[0]?.failed ?? ''}`
      s.cannotHold = { untilMs: now.ms + cannotHoldMs, says }
      tookOver(w, false)
    }
  }
  look(w, 'addresses')
}

function lookFailed(w: Work, says: string): void {
  if (w.s.kernel.lookTrouble === says) return
  set(w, { lookTrouble: says })
  trouble(w, says)
}

export function trouble(w: Work, says: string): void {
  w.out.push({ kind: 'journal', event: { kind: 'trouble', says: says.slice(0, 1_900) } })
}

/** Makes the looks that are due. */
export function lookAround(w: Work): void {
  const { s, now } = w
  const { kernel } = s
  const lost = (askedMs: number | null): boolean => askedMs !== null && now.ms - askedMs >= lookLimitMs
  if (kernel.applyingSinceMs !== null && now.ms - kernel.applyingSinceMs >= applyLimitMs) {
    trouble(w, `ipvsadm gave no answer for ${applyLimitMs} ms`)
    set(w, { applyingSinceMs: null })
    look(w, 'table')
  } else if (
    kernel.applyingSinceMs === null &&
    (kernel.tableAskedMs === null ? now.ms >= kernel.nextTableMs : lost(kernel.tableAskedMs))
  )
    look(w, 'table')
  if (kernel.addressAskedMs === null ? now.ms >= kernel.nextAddressMs : lost(kernel.addressAskedMs))
    look(w, 'addresses')
  if (s.watchers > 0 && now.ms >= kernel.nextCountMs) {
    w.out.push({ kind: 'count' })
    set(w, { nextCountMs: now.ms + countMs })
  }
}

/** Compares and orders: on the way up the table first, on the way down the addresses first. */
export function reconcile(w: Work): void {
  if (w.s.role === 'active') {
    reconcileTable(w)
    reconcileAddresses(w)
  } else {
    reconcileAddresses(w)
    reconcileTable(w)
  }
}

/** Whether this table was already compared with what is wanted now, and found equal. */
function isSettled(s: State, table: KernelTable): boolean {
  const { settled } = s.kernel
  return (
    settled?.table === table &&
    settled.services === s.health.services &&
    settled.config === s.config &&
    settled.steered === s.steering.steered
  )
}

function differencesOf(
  s: State,
  table: KernelTable,
): { readonly differences: readonly Difference[]; readonly drifted: readonly string[] } {
  const { config, kernel, health } = s
  if (!config) return { differences: [], drifted: [] }
  const { settled } = kernel
  const { steered } = s.steering
  if (isSettled(s, table)) return { differences: [], drifted: [] }
  const compare = (service: ServiceState, by: typeof steered): readonly Difference[] =>
    compareService(
      wanted(config.forwarding, service, by.get(service.key)),
      table.get(service.key) ?? bareMark6(table, service.key, health.index),
    )
  const differences: Difference[] = []
  const drifted: string[] = []
  const confirmed = settled ?? kernel.confirmed
  // A new config whose virtual servers are mostly the old ones is compared where they are not.
  const sameGround =
    settled?.table === table &&
    settled.config.forwarding === config.forwarding &&
    (settled.config === config || (settled.missing.length === 0 && s.missingSchedulers.length === 0))
  const sameSteered = settled?.steered === steered
  for (const [at, service] of health.services.entries()) {
    const before = confirmed?.services[at]
    if (sameGround && before === service) {
      if (sameSteered || settled.steered.get(service.key) === steered.get(service.key)) continue
    }
    // Nothing of it is ordered, so that it spoils no batch; it was said when the config came.
    if (s.missingSchedulers.includes(service.spec.scheduler)) continue
    const found = compare(service, steered)
    differences.push(...found)
    // What the kernel now lacks of what had been confirmed, nobody here has ordered.
    if (found.length === 0 || !confirmed || confirmed.table === table) continue
    if (before?.key !== service.key || confirmed.config !== config) continue
    const lost = compare(before, confirmed.steered)
    // After an order of ours only what it did not touch tells of somebody else.
    const ours = (d: Difference): boolean => kernel.applied.includes(d.command) || !found.some((f) => f.says === d.says)
    drifted.push(...(settled ? lost : lost.filter((d) => !ours(d))).map((d) => d.says))
  }
  for (const key of kernel.owned) {
    if (!health.index.has(key) && table.has(key)) differences.push(dropService(key))
  }
  return { differences, drifted }
}

function reconcileTable(w: Work): void {
  const { s, now } = w
  const { kernel, config } = s
  const { table } = kernel
  if (!config || !s.side || !table || kernel.applyingSinceMs !== null) return
  const isUrgent = s.takeover !== null && s.takeover.tableReadyMs === undefined
  const rests = now.ms < kernel.orderFromMs && !isUrgent
  if (rests && kernel.restsWith === table) return
  const { differences, drifted } = differencesOf(s, table)
  if (drifted.length > 0) set(w, { tableDrift: [...new Set([...kernel.tableDrift, ...drifted])] })
  if (differences.length === 0) {
    if (!isSettled(s, table)) {
      set(w, {
        settled: {
          services: s.health.services,
          config,
          table,
          steered: s.steering.steered,
          missing: s.missingSchedulers,
        },
        confirmed: null,
        applied: [],
        applyTries: 0,
        applyHoldMs: now.ms,
        applyFailures: [],
      })
    }
    if (s.kernel.tableDrift.length > 0) {
      w.out.push({ kind: 'journal', event: { kind: 'drift', differences: said(s.kernel.tableDrift), repaired: true } })
      set(w, { tableDrift: [] })
    }
    return
  }
  if (rests) {
    set(w, { restsWith: table })
    return
  }
  const commands = inOrder(differences)
  const again = commands.some((c) => kernel.applied.includes(c))
  if (again && now.ms < kernel.applyHoldMs) return
  const tries = again ? kernel.applyTries + 1 : 1
  if (tries === giveUpTries && s.kernel.tableDrift.length > 0)
    w.out.push({ kind: 'journal', event: { kind: 'drift', differences: said(s.kernel.tableDrift), repaired: false } })
  w.out.push({ kind: 'apply', commands })
  set(w, {
    table: null,
    // A look that is under way saw the table before this order: its answer no longer counts.
    look: s.kernel.look + 1,
    tableLook: s.kernel.look + 1,
    tableAskedMs: null,
    applied: commands,
    settled: null,
    confirmed: kernel.settled ?? kernel.confirmed,
    restsWith: null,
    applyingSinceMs: now.ms,
    orderedMs: now.ms,
    applyTries: tries,
    applyHoldMs: tries >= promptTries ? now.ms + retryMs : now.ms,
  })
}

/** A journal line names at most so many differences. */
const saidLimit = 50

function said(differences: readonly string[]): string[] {
  return differences.length <= saidLimit
    ? [...differences]
    : [...differences.slice(0, saidLimit), `and ${differences.length - saidLimit} more`]
}

function changeOf(kind: 'add' | 'remove', address: FloatingAddress): AddressChange {
  return {
    do: kind,
    address: address.address,
    prefix: prefixOf(address),
    device: interfaceOf(address.device),
    label: address.device,
  }
}

function removalOf(found: KernelAddress): AddressChange {
  return { do: 'remove', address: found.address, prefix: found.prefix, device: found.device, label: found.label }
}

const nothing: readonly FloatingAddress[] = []

/** The addresses this director should have now, given its role. */
function wantedAddresses(s: State): readonly FloatingAddress[] {
  return s.role === 'active' && s.config ? floating(s.config) : nothing
}

function reconcileAddresses(w: Work): void {
  const { s, now } = w
  const { kernel, config } = s
  const { addresses } = kernel
  if (!addresses || !config) return
  const wanted = wantedAddresses(s)
  if (s.takeover && s.takeover.tableReadyMs === undefined) {
    const equal = kernel.settled !== null && kernel.settled.config === config
    if (!equal && now.ms - s.takeover.decidedMs < tableWaitMs) return
    s.takeover = { ...s.takeover, tableReadyMs: now.ms }
  }
  const { held: heldBefore, addressesEqual: equal } = kernel
  const { side } = s
  if (
    equal?.looked === addresses &&
    equal.config === config &&
    equal.wanted === wanted &&
    equal.held === heldBefore &&
    equal.side === side &&
    (!s.takeover || s.takeover.addressUpMs !== undefined)
  )
    return
  const own = ownAddresses(s)
  const never = new Set([own?.public, own?.private, ...s.hearing.paths.map(({ local }) => local)])
  const ours = new Set([...floating(config), ...kernel.held].map((a) => a.address).filter((a) => !never.has(a)))
  const wantedBy = new Map(wanted.map((a) => [a.address, a]))
  const there = new Set(addresses.addresses.map((a) => `${a.address}/${a.prefix} ${a.device}`))
  const wantedText = wanted.map((a) => `${a.address}/${prefixOf(a)} ${a.device}`).join(' ')
  const changes: AddressChange[] = []
  for (const found of addresses.addresses) {
    if (!ours.has(found.address)) continue
    const want = wantedBy.get(found.address)
    if (!want || prefixOf(want) !== found.prefix || interfaceOf(want.device) !== found.device)
      changes.push(removalOf(found))
  }
  for (const want of wanted) {
    if (never.has(want.address)) continue
    if (!there.has(`${want.address}/${prefixOf(want)} ${interfaceOf(want.device)}`)) changes.push(changeOf('add', want))
  }
  if (changes.length === 0) {
    if (kernel.addressDrift.length > 0)
      w.out.push({ kind: 'journal', event: { kind: 'drift', differences: said(kernel.addressDrift), repaired: true } })
    const same = wanted.length === kernel.held.length && wanted.every((a, at) => kernel.held[at]?.address === a.address)
    const held = same ? kernel.held : wanted
    if (kernel.addressSettled !== wantedText || kernel.addressDrift.length > 0 || held !== kernel.held)
      set(w, { addressSettled: wantedText, addressDrift: [], addressTries: 0, held })
    set(w, { addressesEqual: { looked: addresses, config, wanted, held, side } })
    // Everything is already there (a takeover by an agent that was restarted): the world is told all the same.
    if (s.takeover && s.takeover.addressUpMs === undefined) {
      s.takeover = { ...s.takeover, addressUpMs: now.ms }
      if (wanted.length > 0) w.out.push({ kind: 'announce', addresses: wanted, burst: config.announce.burst })
      else tookOver(w, false)
    }
    return
  }
  if (now.ms < kernel.addressHoldMs) return
  if (s.role === 'active' && now.ms < s.doubtUntilMs) return
  const drift =
    kernel.addressSettled === wantedText
      ? changes.map((c) =>
          c.do === 'add'
            ? `${c.address} is missing on ${c.device}`
            : `${c.address} is on ${c.device} and should not be`,
        )
      : []
  const removals = changes.filter((c) => c.do === 'remove')
  const additions = changes.filter((c) => c.do === 'add')
  w.out.push({ kind: 'address', changes: [...removals, ...additions] })
  const stillHeld = kernel.held.filter((h) => !wantedBy.has(h.address))
  const tries = kernel.addressTries + 1
  set(w, {
    addresses: null,
    look: s.kernel.look + 1,
    addressLook: s.kernel.look + 1,
    addressSettled: null,
    addressesEqual: null,
    addressTries: tries,
    addressHoldMs: tries >= promptTries ? now.ms + retryMs : now.ms,
    addressDrift: [...new Set([...kernel.addressDrift, ...drift])],
    held: [...wanted, ...stillHeld],
    addressAskedMs: now.ms,
  })
}

/** The soonest instant at which the kernel wants attention. */
export function kernelDue(s: State): number {
  const { kernel } = s
  const due = [
    kernel.applyingSinceMs !== null
      ? kernel.applyingSinceMs + applyLimitMs
      : kernel.tableAskedMs === null
        ? kernel.nextTableMs
        : kernel.tableAskedMs + lookLimitMs,
    kernel.addressAskedMs === null ? kernel.nextAddressMs : kernel.addressAskedMs + lookLimitMs,
  ]
  if (s.watchers > 0) due.push(kernel.nextCountMs)
  if (kernel.restsWith && kernel.orderFromMs > s.lastStepMs) due.push(kernel.orderFromMs)
  if (kernel.applyHoldMs > s.lastStepMs) due.push(kernel.applyHoldMs)
  if (kernel.addressHoldMs > s.lastStepMs) due.push(kernel.addressHoldMs)
  if (s.takeover && s.takeover.tableReadyMs === undefined) due.push(s.takeover.decidedMs + tableWaitMs)
  return Math.min(...due)
}
