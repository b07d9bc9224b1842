/** Values changed by name: which field is meant, and what is refused. */
import { describe, expect, test } from 'vitest'
import { assign } from './assign.ts'
import type { Draft } from './draft.ts'
import { read } from './draft.ts'
import { parse } from './syntax.ts'

const draft = read(
  parse(`primary = 192.0.2.1
keepalive = 6
deadtime = 18
network = direct
virtual web.example {
 active = 1
 address = 192.0.2.9 eth0:1
 server rs1 {
  address = 10.0.0.1
  active = 1
 }
 server two words {
 }
}
virtual a.server b {
 server c {
 }
}
virtual twin {
}
virtual twin {
}
`),
)

function refusal(...assignments: string[]): unknown {
  const made = assign(draft, assignments)
  return made.ok ? made.value.draft : made.problems.map((one) => one.code)
}

function after(...assignments: string[]): Draft {
  const made = assign(draft, assignments)
  if (!made.ok) throw new Error(JSON.stringify(made.problems))
  return made.value.draft
}

test('global values', () => {
  expect(after('global.deadtime=20').settings).toContainEqual({ name: 'deadtime', value: '20' })
  expect(after(' global.deadtime = 20 ').settings).toContainEqual({ name: 'deadtime', value: '20' })
})

test("Shoal's own, with and without their prefix", () => {
  const own = { name: 'keepalive_ms', value: '200', shoal: true }
  expect(after('global.shoal.keepalive_ms=200').settings).toContainEqual(own)
  expect(after('global.keepalive_ms=200').settings).toContainEqual(own)
  expect(after('virtual web.example.rise=3').blocks[0]?.settings).toContainEqual({
    name: 'rise',
    value: '3',
    shoal: true,
  })
})

test('names may have dots, blanks and words like server in them', () => {
  expect(after('virtual web.example.port=443').blocks[0]?.settings).toContainEqual({ name: 'port', value: '443' })
  expect(after('virtual web.example.server rs1.weight=2').blocks[0]?.servers[0]?.settings).toContainEqual({
    name: 'weight',
    value: '2',
  })
  expect(after('virtual "web.example".server "two words".weight=2').blocks[0]?.servers[1]?.settings).toEqual([
    { name: 'weight', value: '2' },
  ])
  expect(after('virtual a.server b.port=81').blocks[1]?.settings).toEqual([{ name: 'port', value: '81' }])
  expect(after('virtual a.server b.server c.weight=5').blocks[1]?.servers[0]?.settings).toEqual([
    { name: 'weight', value: '5' },
  ])
})

test('a block can be renamed, and values may have equals signs', () => {
  expect(after('virtual web.example.name=www').blocks[0]?.name).toBe('www')
  expect(after('virtual web.example.send=a=b', 'virtual web.example.expect=*').blocks[0]?.settings).toContainEqual({
    name: 'send',
    value: 'a=b',
  })
})

test('several are made in order and judged together', () => {
  expect(refusal('global.keepalive=20')).toEqual(['lvscf-deadtime-short'])
  expect(after('global.keepalive=20', 'global.deadtime=60').settings).toContainEqual({ name: 'keepalive', value: '20' })
})

describe('refused', () => {
  test.for<[string, string]>([
    ['deadtime=20', 'lvscf-path-malformed'],
    ['global.deadtime', 'lvscf-path-malformed'],
    ['virtual web=1', 'lvscf-path-malformed'],
    ['global.dedtime=20', 'lvscf-path-unknown'],
    ['virtual web.example.expect_program=x', 'lvscf-path-unknown'],
    ['virtual web.example.keepalive=2', 'lvscf-path-unknown'],
    ['virtual nope.port=1', 'lvscf-path-nothing'],
    ['failover web.example.port=1', 'lvscf-path-nothing'],
    ['virtual web.example.server nope.weight=1', 'lvscf-path-nothing'],
    ['virtual twin.port=1', 'lvscf-path-ambiguous'],
    ['global.deadtime=', 'lvscf-value-missing'],
    ['global.deadtime=x', 'lvscf-not-a-number'],
    ['virtual web.example.scheduler=fast', 'lvscf-scheduler-unknown'],
    ['virtual a.server b.port=99999', 'lvscf-out-of-range'],
    ['virtual web.example.address=192.0.2.1 eth0:1', 'lvscf-vip-is-director'],
    ['virtual web.example.name=', 'lvscf-name-missing'],
    ['virtual web.example.name="a', 'lvscf-name-unwritable'],
    ['virtual web.example.send=a "b" \'c', 'lvscf-value-unwritable'],
  ])('%s', ([assignment, code]) => {
    expect(refusal(assignment)).toEqual([code])
  })
})

test('what was wrong before does not stand in the way', () => {
  const broken: Draft = { ...draft, settings: [...draft.settings, { name: 'udp_timeout', value: 'x' }] }
  expect(assign(broken, ['global.deadtime=20']).ok).toBe(true)
  expect(assign(broken, ['global.udp_timeout=y']).ok).toBe(false)
})

test('what surprises is said and done', () => {
  const made = assign(draft, ['virtual web.example.scheduler=sed'])
  expect(made.ok && made.value.problems.map((one) => one.code)).toEqual(['lvscf-scheduler-newer'])
})
