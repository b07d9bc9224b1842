/** Packets made by hand: their checksums hold, what comes back is understood, and the filter lets nothing else through. */
import { describe, expect, it } from 'vitest'
import {
  askingFilter,
  askingPorts,
  echoPacket,
  echoReplyOf,
  echoRequest,
  internetChecksum,
  ipFrame,
  returnedOf,
  tcpFlags,
  tcpPacket,
  type FilterStep,
} from './ip-packets.ts'

const segment = { source: '10.9.0.1', destination: '10.9.0.80', sourcePort: 0xf123, port: 80, number: 0xffff_ffff }
const ours = 0x1234

/** The machine of socket filters (classic BPF), as far as ours goes: so many bytes of the packet are let through. */
function filtered(program: readonly FilterStep[], packet: Buffer): number {
  let a = 0
  let x = 0
  for (let at = 0; ; at++) {
    const [code, whenTrue, whenFalse, operand] = program[at] ?? [0x06, 0, 0, -1]
    if (code === 0x30) a = packet.readUInt8(operand)
    else if (code === 0x50) a = packet.readUInt8(x + operand)
    else if (code === 0x48) a = packet.readUInt16BE(x + operand)
    else if (code === 0xb1) x = (packet.readUInt8(operand) & 0x0f) * 4
    else if (code === 0x54) a &= operand
    else if (code === 0x15) at += a === operand ? whenTrue : whenFalse
    else if (code === 0x06) return operand
    else throw new Error(`instruction ${code}`)
  }
}

/** What a real server answers: addresses and ports turned round. */
function answer(flags: number, port = segment.sourcePort): Buffer {
  const packet = tcpPacket(
    { source: segment.destination, destination: segment.source, sourcePort: segment.port, port, number: 77 },
    flags,
  )
  packet.writeUInt32BE((segment.number + 1) >>> 0, 28)
  return packet
}

function echoAnswer(id: number): Buffer {
  const packet = echoPacket(segment.destination, segment.source, id, 5)
  packet[20] = 0
  return packet
}

describe('a packet', () => {
  it('has checksums that add up, of its header and of what it carries', () => {
    const syn = tcpPacket(segment, tcpFlags.syn)
    expect(internetChecksum(syn.subarray(0, 20))).toBe(0)
    const pseudo = Buffer.concat([syn.subarray(12, 20), Buffer.from([0, 6, 0, syn.length - 20])])
    expect(internetChecksum(pseudo, syn.subarray(20))).toBe(0)
    const echo = echoPacket(segment.source, segment.destination, ours, 5)
    expect(internetChecksum(echo.subarray(0, 20))).toBe(0)
    expect(internetChecksum(echo.subarray(20))).toBe(0)
    // The example of RFC 1071 §3.
    expect(internetChecksum(Buffer.from('0001f203f4f5f6f7', 'hex'))).toBe(0x220d)
  })

  it('is a SYN as a client sends it, and the RST that takes it back', () => {
    const syn = tcpPacket(segment, tcpFlags.syn)
    expect(syn.toString('hex', 8, 34)).toBe(
      `4006${syn.toString('hex', 10, 12)}0a0900010a090050f1230050ffffffff000000006002`,
    )
    expect(syn.subarray(40).toString('hex')).toBe('020405b4')
    expect(tcpPacket({ ...segment, number: segment.number + 1 }, tcpFlags.rst).readUInt32BE(24)).toBe(0)
  })

  it('stands in a frame of the least length', () => {
    const [from, to] = [Buffer.from('020000000001', 'hex'), Buffer.from('020000000002', 'hex')]
    const frame = ipFrame(from, to, tcpPacket(segment, tcpFlags.syn))
    expect(frame.toString('hex', 0, 14)).toBe('0200000000020200000000010800')
    expect(frame.length).toBe(60)
  })
})

describe('what comes back', () => {
  it('is known by whom it is from and what it answers', () => {
    expect(returnedOf(answer(tcpFlags.syn | tcpFlags.ack))).toEqual({
      kind: 'tcp',
      source: '10.9.0.80',
      sourcePort: 80,
      port: 0xf123,
      flags: tcpFlags.syn | tcpFlags.ack,
      acknowledged: 0,
    })
    expect(returnedOf(echoAnswer(ours))).toEqual({ kind: 'echo', source: '10.9.0.80', id: ours, sequence: 5 })
    for (const broken of [Buffer.alloc(0), Buffer.alloc(40), answer(2).subarray(0, 30)])
      expect(returnedOf(broken)).toBeUndefined()
  })

  it('an echo is read in both families', () => {
    const six = echoRequest('inet6', ours, 9)
    expect(echoReplyOf(six, 'inet6')).toBeUndefined()
    six[0] = 129
    expect(echoReplyOf(six, 'inet6')).toEqual({ id: ours, sequence: 9 })
  })
})

describe('the filter', () => {
  const lets = (packet: Buffer): boolean => filtered(askingFilter(ours), packet) > 0

  it('lets through answers to our asking ports, and our echoes', () => {
    expect(lets(answer(tcpFlags.syn | tcpFlags.ack))).toBe(true)
    expect(lets(answer(tcpFlags.rst | tcpFlags.ack, askingPorts.first + askingPorts.count - 1))).toBe(true)
    expect(lets(echoAnswer(ours))).toBe(true)
  })

  it('and nothing else of what passes a director', () => {
    expect(lets(answer(tcpFlags.ack))).toBe(false)
    expect(lets(answer(tcpFlags.syn))).toBe(false)
    expect(lets(answer(tcpFlags.syn | tcpFlags.ack, askingPorts.first - 1))).toBe(false)
    expect(lets(answer(tcpFlags.syn | tcpFlags.ack, askingPorts.first + askingPorts.count))).toBe(false)
    expect(lets(echoAnswer(ours + 1))).toBe(false)
    expect(lets(echoPacket(segment.source, segment.destination, ours, 5))).toBe(false)
    const udp = answer(tcpFlags.syn | tcpFlags.ack)
    udp[9] = 17
    expect(lets(udp)).toBe(false)
  })
})
