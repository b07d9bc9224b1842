/**
 * The other side of the scale measurement, a process in the measured network: it is every real server at once (one listener for all
 * addresses, by a local route to the whole network), and the silent partner that hears the heartbeats. It notes when each address was
 * asked, so that the lateness of the checks is seen from outside the agent. `reset` on standard input begins a new window, `report`
 * prints one as a line of JSON, `forget ADDRESS` begins that address anew. Arguments: port, heartbeat address, heartbeat port.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

/** What one window saw. Gaps are times between two checks of one real server, in ms. */
export type Window = {
  readonly ms: number
  readonly checks: number
  readonly addresses: number
  readonly gapMs: { readonly median: number; readonly p99: number; readonly worst: number; readonly least: number }
  readonly beats: number
  readonly worstBeatGapMs: number
  /** How late this process's own loop was at worst: what it notes is late by no more than that. */
  readonly ownLatenessMs: number
}

const [port = '80', beatAddress = '127.0.0.1', beatPort = '539'] = process.argv.slice(2)
const tickMs = 10
const answer = 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n'

let sinceMs = performance.now()
let checks = 0
let gaps: number[] = []
const last = new Map<string, number>()
let beats = 0
let lastBeatMs: number | null = null
let worstBeatGapMs = 0
let ownLatenessMs = 0

const server = createServer((socket) => {
  const nowMs = performance.now()
  const address = socket.localAddress ?? ''
  checks++
  const before = last.get(address)
  if (before !== undefined) gaps.push(nowMs - before)
  last.set(address, nowMs)
  socket.on('error', () => undefined)
  socket.on('data', () => socket.end(answer))
  // A check that only connects closes by itself.
  socket.on('end', () => socket.end())
})
server.listen({ port: Number(port), host: '0.0.0.0', backlog: 4_096 })

const ear = createSocket('udp4')
ear.on('message', () => {
  const nowMs = performance.now()
  beats++
  if (lastBeatMs !== null) worstBeatGapMs = Math.max(worstBeatGapMs, nowMs - lastBeatMs)
  lastBeatMs = nowMs
})
ear.bind(Number(beatPort), beatAddress, () => console.log('ready'))

let dueMs = performance.now() + tickMs
setInterval(() => {
  const nowMs = performance.now()
  ownLatenessMs = Math.max(ownLatenessMs, nowMs - dueMs)
  dueMs = nowMs + tickMs
}, tickMs)

function report(): Window {
  const sorted = gaps.sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  const nowMs = performance.now()
  return {
    ms: Math.round(nowMs - sinceMs),
    checks,
    addresses: last.size,
    gapMs: { median: at(0.5), p99: at(0.99), worst: at(1), least: at(0) },
    beats,
    // A beat that is missing at this moment counts for as long as it has been missing.
    worstBeatGapMs: Math.round(Math.max(worstBeatGapMs, lastBeatMs === null ? 0 : nowMs - lastBeatMs)),
    ownLatenessMs: Math.round(ownLatenessMs),
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'report') console.log(JSON.stringify(report()))
    // A server that was made unreachable was asked without our knowing.
    if (line.startsWith('forget ')) last.delete(line.slice('forget '.length))
    if (line !== 'reset') return
    sinceMs = performance.now()
    checks = 0
    gaps = []
    beats = 0
    worstBeatGapMs = 0
    ownLatenessMs = 0
  })
  .on('close', () => process.exit(0))
