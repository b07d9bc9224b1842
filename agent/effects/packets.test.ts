/** Frames of neighbour discovery, made and read; that a kernel understands them is shown in addresses.test.ts. */
import { expect, it } from 'vitest'
import { neighbourSolicitation, readArp, readNeighbour } from './packets.ts'

const mac = Buffer.from([2, 0, 0, 0, 0, 0x15])
const question = neighbourSolicitation(mac, 'fd00::15', '2001:db8::a1:b2c3')

/** The answer of `by`, as RFC 4861 §4.4 lays it out; `flags`: 0x40 = it answers a question. */
function answer(by: Buffer, option: Buffer, flags: number): Buffer {
  const frame = Buffer.concat([question.subarray(0, 14 + 40 + 24), option])
  mac.copy(frame, 0)
  by.copy(frame, 6)
  frame.writeUInt16BE(24 + option.length, 14 + 4)
  question.copy(frame, 14 + 24, 14 + 8, 14 + 24) // to the asker
  frame[14 + 40] = 136
  frame[14 + 40 + 4] = flags
  return frame
}

const changed = (frame: Buffer, at: number, byte: number): Buffer => {
  const other = Buffer.from(frame)
  other[at] = byte
  return other
}

it('a question goes to the group of the address that is asked for, and says who asks', () => {
  expect(question.subarray(0, 6).toString('hex')).toBe('3333ffa1b2c3')
  expect(readNeighbour(question)).toEqual({
    reply: false,
    address: 'fd00::15',
    mac: '02:00:00:00:00:15',
    to: { address: 'ff02::1:ffa1:b2c3', mac: '33:33:ff:a1:b2:c3' },
  })
  expect(readArp(question)).toBeNull()
})

it('an answer is read with the hardware address that it names, else with that of its frame', () => {
  const by = Buffer.from([2, 0, 0, 0, 0, 0x77])
  const named = Buffer.from([2, 1, 2, 0, 0, 0, 0, 0x78])
  const told = { address: '2001:db8::a1:b2c3', to: { address: 'fd00::15', mac: '02:00:00:00:00:15' } }
  expect(readNeighbour(answer(by, named, 0x60))).toEqual({ ...told, reply: true, mac: '02:00:00:00:00:78' })
  expect(readNeighbour(answer(by, Buffer.alloc(0), 0x40))).toEqual({ ...told, reply: true, mac: '02:00:00:00:00:77' })
  expect(readNeighbour(answer(by, Buffer.from([14, 1, 0, 0, 0, 0, 0, 0, ...named]), 0))).toMatchObject({
    reply: false,
    mac: '02:00:00:00:00:78',
  })
  // An option without length would never end.
  expect(readNeighbour(answer(by, Buffer.alloc(8), 0x40))).toMatchObject({ mac: '02:00:00:00:00:77' })
})

it('everything else is nothing: another protocol, a router on the way, a piece, one that has no address yet', () => {
  expect(readNeighbour(changed(question, 14 + 6, 17))).toBeNull()
  expect(readNeighbour(changed(question, 14 + 7, 254))).toBeNull()
  expect(readNeighbour(changed(question, 14 + 40, 128))).toBeNull()
  expect(readNeighbour(changed(question, 12, 8))).toBeNull()
  expect(readNeighbour(question.subarray(0, 60))).toBeNull()
  expect(readNeighbour(neighbourSolicitation(mac, '::', '2001:db8::1'))).toBeNull()
})
