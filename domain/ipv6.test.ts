import { expect, it } from 'vitest'
import { ipv6Groups, ipv6Text, isUnusable6 } from './ipv6.ts'

const canonical = (text: string): string | undefined => {
  const groups = ipv6Groups(text)
  return groups && ipv6Text(groups)
}

it.each([
  ['2001:DB8:0:0::27', '2001:db8::27'],
  ['::', '::'],
  ['::1', '::1'],
  ['fe80::', 'fe80::'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
])('%s is written %s', (text, written) => expect(canonical(text)).toBe(written))

it.each([
  '',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '::1.2.3.256',
  '192.0.2.1',
  '1::2/64',
])('%s is no address', (text) => expect(ipv6Groups(text)).toBeUndefined())

it.each([
  ['::', true],
  ['::1', true],
  ['fe80::1', true],
  ['ff02::1', true],
  ['fd00::1', false],
  ['2001:db8::', false],
])('%s is of no use to a service: %s', (text, yes) => expect(isUnusable6(ipv6Groups(text) ?? [])).toBe(yes))
