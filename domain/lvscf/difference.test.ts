/** Two files by what they mean: what is only written otherwise is no difference, and what differs is named from outside to inside. */
import { expect, test } from 'vitest'
import { check } from './check.ts'
import { differences } from './difference.ts'

const text = `primary = 192.0.2.1
backup = 192.0.2.2
backup_active = 1
network = direct
virtual web {
  active = 1
  address = 192.0.2.9 eth0:1
  server a {
    address = 10.0.0.1
    active = 1
  }
  server b {
    address = 10.0.0.2
    active = 1
  }
}
virtual mail {
  active = 1
  address = 192.0.2.9 eth0:1
  port = 25
  server a {
    address = 10.0.0.1
    active = 1
  }
}
`

function diff(after: string, before = text): string[] {
  const [a, b] = [check(before).config, check(after).config]
  if (!a || !b) throw new Error(JSON.stringify([check(before).problems, check(after).problems]))
  return differences(a, b).map((one) => `${one.path.join(' ')}: ${one.before ?? '-'} > ${one.after ?? '-'}`)
}

test('layout, comments, order and written-out defaults make no difference', () => {
  const written = text
    .replaceAll('  ', '\t')
    .replace('network', '# c\nkeepalive = 2\nnetwork')
    .replace('active = 1\n\taddress', 'scheduler = wlc\n\tport = http\n\tactive = 0x1\n\taddress')
  expect(diff(written)).toEqual([])
  const parts = text.split(/(?=virtual)/)
  expect(diff([parts[0], parts[2], parts[1]].join(''))).toEqual([])
})

test('values are named from outside to inside', () => {
  expect(
    diff(
      text
        .replace('network', 'deadtime = 9\nsyncdaemon = 1\nnetwork')
        .replace('port = 25', 'port = 25\n  scheduler = rr\n  # shoal: rise = 3')
        .replace('10.0.0.2', '10.0.0.3'),
    ),
  ).toEqual([
    'deadtime: 5000 ms > 9000 ms',
    'syncdaemon: - > eth0 0',
    'virtual web server b address: 10.0.0.2 > 10.0.0.3',
    'virtual mail scheduler: wlc > rr',
    'virtual mail rise: 18 > 3',
  ])
})

test('what is new, gone or renamed is one difference', () => {
  expect(diff(text.replace('virtual mail', 'virtual smtp').replace('server b', 'server c'))).toEqual([
    'virtual web server c name: b > c',
    'virtual smtp name: mail > smtp',
  ])
  const parts = text.split(/(?=virtual)/)
  expect(diff([parts[0], parts[1]].join(''))).toEqual(['virtual mail: 192.0.2.9:25/tcp > -'])
  expect(diff(text, [parts[0], parts[1]].join(''))).toEqual(['virtual mail: - > 192.0.2.9:25/tcp'])
})
