/** Every directive has its field, and completion offers what the scope knows: both come from the one table, none is forgotten. */
import { describe, expect, test } from 'vitest'
import { chosenKinds } from '../checks.ts'
import { explainedAt, offersAt } from './completion.ts'
import { directives } from './directives.ts'
import { formOf } from './fields.ts'

describe('the form of a node', () => {
  test.each(['global', 'virtual', 'failover', 'server'] as const)(
    '%s has one field for each of its directives',
    (kind) => {
      const scope = kind === 'failover' ? 'virtual' : kind
      const names = formOf(kind, [])
        .groups.flatMap((group) => group.fields)
        .map(({ directive }) => `${directive.shoal ? '#' : ''}${directive.name}`)
      const wanted = directives
        .filter((row) => row.scope === scope && !row.refused && !row.kinds)
        .map((row) => `${row.shoal ? '#' : ''}${row.name}`)
      expect(names.toSorted()).toEqual(wanted.toSorted())
    },
  )

  test('what only some checks ask for has its field with them, or where it is written', () => {
    const fields = (...settings: Parameters<typeof formOf>[1]): readonly string[] =>
      formOf('virtual', settings)
        .groups.filter((group) => group.name === 'check')
        .flatMap((group) => group.fields.map((field) => field.directive.name))
        .filter((name) => name.startsWith('check_') && !/_(port|via|interval_ms|timeout_ms)$/.test(name))
    expect(fields()).toEqual([])
    expect(fields({ name: 'check', value: 'dns', shoal: true })).toEqual(['check_name', 'check_record', 'check_answer'])
    expect(
      fields({ name: 'check', value: 'smtp', shoal: true }, { name: 'check_path', value: '/x', shoal: true }),
    ).toEqual(['check_path', 'check_host'])
    const some = directives.filter((row) => row.kinds).map((row) => row.name)
    const shown = new Set(chosenKinds.flatMap((kind) => fields({ name: 'check', value: kind, shoal: true })))
    expect([...shown].toSorted()).toEqual(some.toSorted())
  })

  test('the last of repeated values is shown, and how often it is written', () => {
    const form = formOf('server', [
      { name: 'weight', value: '1' },
      { name: 'weight', value: '5' },
    ])
    expect(form.groups[0]?.fields.find((one) => one.directive.name === 'weight')).toMatchObject({
      value: '5',
      times: 2,
    })
  })

  test('unknown and refused directives are shown as they are, where they stand', () => {
    const form = formOf('server', [
      { name: 'weight', value: '1' },
      { name: 'nmask', value: '255.255.255.0' },
      { name: 'frobnicate', value: 'x' },
      { name: 'weight', value: '9', shoal: true },
    ])
    expect(form.raw.map((one) => one.at)).toEqual([1, 2, 3])
  })

  test('a group that few need is folded until something in it is set', () => {
    const folded = (settings: Parameters<typeof formOf>[1]): boolean | undefined =>
      formOf('global', settings).groups.find((group) => group.name === 'connections')?.folded
    expect(folded([])).toBe(true)
    expect(folded([{ name: 'syncdaemon', value: '1' }])).toBe(false)
  })
})

describe('completion', () => {
  const labels = (
    line: string,
    kind: Parameters<typeof offersAt>[2],
    present: readonly string[] = [],
  ): readonly string[] => offersAt(line, line.length, kind, new Set(present))?.offers.map((offer) => offer.label) ?? []

  test('directives are those of the scope that are not there yet', () => {
    expect(labels('     we', 'server', ['address'])).toEqual(['active', 'port', 'weight'])
    expect(labels('', 'global')).toContain('virtual')
    expect(labels('', 'virtual')).toContain('server')
    expect(labels('', 'virtual')).not.toContain('keepalive')
  })

  test('values are those of the directive', () => {
    expect(labels('network = ', 'global')).toEqual(['nat', 'direct', 'tunnel'])
    expect(labels('     scheduler = w', 'virtual')).toContain('wrr')
    expect(labels('     scheduler = w', 'server')).toEqual([])
    expect(offersAt('     scheduler = wr', 19, 'virtual', new Set())?.from).toBe(17)
  })

  test("Shoal's own stand behind their comment mark", () => {
    expect(labels('# shoal: ', 'global')).toContain('deadtime_ms')
    expect(labels('# shoal: failback = ', 'global')).toEqual(['on', 'off'])
    expect(labels('# sho', 'global')).toEqual([])
  })

  test('a directive is explained on its name and on its value', () => {
    expect(explainedAt('     weight = 10', 6, 'server')).toMatchObject({
      directive: { name: 'weight' },
      from: 5,
      to: 11,
    })
    expect(explainedAt('     weight = 10', 15, 'server')?.directive.name).toBe('weight')
    expect(explainedAt('     weight = 10', 2, 'server')).toBeUndefined()
    expect(explainedAt('# shoal: deadtime_ms = 800', 12, 'global')?.directive.shoal).toBe(true)
  })
})
