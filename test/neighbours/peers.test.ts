/** What is written for a neighbour is read by the neighbour's own program without an objection; and so are the fixtures read here. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newDocument } from '../../domain/lvscf/draft.ts'
import { exporters, importers } from '../../domain/neighbours/convert.ts'
import { keepalivedObjections, ldirectordObjections, peer } from './peers.ts'
import { anyDraft, corpus, fixture, sound } from './sources.ts'

/** Each asks a program to start and read a file. */
const generatedFiles = 25

const keepalived = peer('keepalived')
const ldirectord = peer('ldirectord')

describe.skipIf(keepalived === undefined)('keepalived -t', () => {
  const objections = (text: string): string[] => keepalivedObjections(keepalived ?? '', text)

  test('objects to a file that is wrong', () => {
    expect(
      objections('virtual_server 192.0.2.1 80 {\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n  nosuch 1\n}\n'),
    ).toEqual([expect.stringContaining("Unknown keyword 'nosuch'")])
  })

  test('takes what is made of every published lvs.cf, for both directors', () => {
    for (const { name, text } of corpus()) {
      for (const file of exporters.keepalived(text).files) expect([name, ...objections(file.text)]).toEqual([name])
    }
  }, 120_000)

  test('takes what is made of generated files', () => {
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const text = sound(draft)
        fc.pre(text !== undefined)
        for (const file of exporters.keepalived(text ?? '').files) expect(objections(file.text), file.text).toEqual([])
      }),
      { numRuns: generatedFiles },
    )
  }, 120_000)

  test('takes what its own file became after a round trip', () => {
    const { draft } = importers.keepalived(fixture('keepalived-web.conf'))
    const { files } = exporters.keepalived(newDocument(draft))
    expect(files.map(({ name }) => name)).toEqual(['keepalived.conf', 'keepalived.backup.conf'])
    for (const { text } of files) expect(objections(text)).toEqual([])
  })
})

describe.skipIf(ldirectord === undefined)('ldirectord', () => {
  const objections = (text: string): string[] => ldirectordObjections(ldirectord ?? '', text)

  test('objects to a file that is wrong', () => {
    expect(objections('virtual = 192.0.2.1:80\n        nosuch = 1\n').join('\n')).toContain('Unknown command')
  })

  test('takes what is made of every published lvs.cf', () => {
    for (const { name, text } of corpus()) {
      for (const file of exporters.ldirectord(text).files) expect([name, ...objections(file.text)]).toEqual([name])
    }
  }, 180_000)

  test('takes what is made of generated files', () => {
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const text = sound(draft)
        fc.pre(text !== undefined)
        for (const file of exporters.ldirectord(text ?? '').files) expect(objections(file.text), file.text).toEqual([])
      }),
      { numRuns: generatedFiles },
    )
  }, 180_000)
})
