/**
 * The store without a window: form edits are least edits of the text in one undo history, and no version of the file is lost, here
 * against a disk that is a map.
 */
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Args, Bridge, KeptDocument } from '../../domain/contract/app.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import { heldIn } from '../../renderer/document/editor-state.ts'
import { useDocumentStore } from '../../renderer/document/store.ts'

const original = `primary = 192.0.2.1
network = direct
virtual shop {
     active = 1
     address = 192.0.2.80 eth0:1
     port = 80 # plain
     server web1 {
         address = 192.0.2.11
         active = 1
         weight = 1
     }
     server web2 {
         address = 192.0.2.12
         active = 1
         weight = 2
     }
}
`
const disk = new Map<string, string>()
const kept = new Map<string, KeptDocument>()
const asked: string[] = []

const answers = {
  'documents.open': ({ file }: Args<'documents.open'>) => {
    const text = disk.get(file)
    return text === undefined
      ? failed(problem('file-unreadable', { file, reason: 'ENOENT' }))
      : ok({ file, text, digest: `of ${text}`, encoding: 'utf-8' })
  },
  'documents.save': ({ file, text, digest }: Args<'documents.save'>) => {
    const present = disk.get(file)
    if ((present === undefined ? null : `of ${present}`) !== digest)
      return failed(problem('changed-meanwhile', { name: file }))
    disk.set(file, text)
    return ok({ file, digest: `of ${text}` })
  },
  'documents.keep': ({ change: { from, to, insert }, ...one }: Args<'documents.keep'>) => {
    const base = one.base ?? kept.get(one.file ?? '')?.base ?? ''
    kept.set(one.file ?? '', { ...one, base, text: base.slice(0, from) + insert + base.slice(to), keptAtMs: 5 })
    return ok(null)
  },
  'documents.kept': ({ file }: Args<'documents.kept'>) => ok(kept.get(file ?? '') ?? null),
  'documents.forget': ({ file }: Args<'documents.forget'>) => {
    kept.delete(file ?? '')
    return ok(null)
  },
} as const

const bridge = {
  ask: (name: keyof typeof answers, args: never) => {
    asked.push(name)
    return Promise.resolve((answers[name] as (args: never) => unknown)(args))
  },
  on: () => () => undefined,
} as unknown as Bridge
Object.assign(window, { shoal: bridge })

async function opened(text = original) {
  disk.set('/lvs.cf', text)
  const document_ = useDocumentStore()
  expect(await document_.open('/lvs.cf')).toBe(true)
  return document_
}
const textOf = (document_: ReturnType<typeof useDocumentStore>): string => heldIn(document_.state).text

beforeEach(() => {
  setActivePinia(createPinia())
  disk.clear()
  kept.clear()
  asked.length = 0
})

describe('form and text', () => {
  test('a field changes its value, and neither the comment behind it nor anything else', async () => {
    const document_ = await opened()
    document_.select(1)
    document_.setValue('port', '8080')
    expect(textOf(document_)).toBe(original.replace('port = 80', 'port = 8080'))
    expect(document_.selected).toBe(1)
    expect(
      document_.form.groups.flatMap((group) => group.fields).find((one) => one.directive.name === 'port'),
    ).toMatchObject({
      value: '8080',
    })
  })

  test('undo goes through form and text alike', async () => {
    const document_ = await opened()
    document_.select(1)
    document_.setValue('port', '81')
    document_.select(3)
    document_.rename('web-b')
    document_.moveSelected(-1)
    expect(textOf(document_)).not.toBe(original)
    document_.undoLast()
    expect(textOf(document_)).toBe(original.replace('port = 80', 'port = 81').replace('server web2', 'server web-b'))
    while (document_.canUndo) document_.undoLast()
    expect(textOf(document_)).toBe(original)
    expect(document_.isDirty).toBe(false)
    while (document_.canRedo) document_.redoLast()
    expect(textOf(document_).indexOf('web-b')).toBeLessThan(textOf(document_).indexOf('web1'))
  })

  test('a value the file cannot say leaves the file alone', async () => {
    const document_ = await opened()
    document_.select(1)
    document_.setValue('send', `a "b' c`)
    expect(textOf(document_)).toBe(original)
  })

  test('the node stays selected while text before it grows', async () => {
    const document_ = await opened()
    document_.select(3)
    const transaction = document_.state.update({ changes: { from: 0, insert: '# one\n# two\n' } })
    document_.took(transaction.state, [transaction])
    expect(document_.selected).toBe(3)
    expect(document_.words.name).toBe('web2')
    document_.addRealServer('web1')
    expect(document_.words.name).toBe('web3')
    expect(document_.path).toEqual({ block: 0, server: 2 })
  })

  test('problems are told at the field they are about', async () => {
    const document_ = await opened(original.replace('weight = 2', 'weight = many'))
    document_.select(3)
    expect(document_.problemsByField.get('weight')?.map((one) => one.code)).toEqual(['lvscf-not-a-number'])
    document_.select(1)
    expect(document_.problemsByField.get('port')?.map((one) => one.code)).toEqual(['lvscf-trailing-comment'])
  })

  test('what the file as a whole lacks is told at the file, not at the block it begins with', async () => {
    const document_ = await opened(original.slice(original.indexOf('virtual')))
    const codes = () => document_.problemsByField.get('')?.map((one) => one.code) ?? []
    expect(codes()).toContain('lvscf-primary-missing')
    document_.select(1)
    expect(codes()).not.toContain('lvscf-primary-missing')
  })

  test('a text too large for one frame is analysed beside typing, and the form keeps its place meanwhile', async () => {
    const many = Array.from(
      { length: 900 },
      (_, at) => `     server s${at} {\n         address = 10.0.${at >> 8}.${at & 255}\n     }\n`,
    )
    const large = original.replace('     server web1', `${many.join('')}     server web1`)
    const document_ = await opened(large)
    await vi.waitFor(() => expect(document_.isBehind).toBe(false))
    expect(document_.outline.start.length).toBe(904)
    document_.select(902)
    expect(document_.words.name).toBe('web1')
    document_.setValue('weight', '7')
    document_.setValue('weight', '77')
    expect(document_.isBehind).toBe(true)
    expect(document_.words.name).toBe('web1')
    expect(textOf(document_)).toBe(large.replace('weight = 1\n', 'weight = 77\n'))
    await vi.waitFor(() => expect(document_.isBehind).toBe(false))
    expect(document_.words.name).toBe('web1')
  })
})

describe('versions', () => {
  test('CR LF stays CR LF, and becomes LF only by its fix, which can be undone', async () => {
    const crlf = original.replaceAll('\n', '\r\n')
    const document_ = await opened(crlf)
    expect(document_.fileText()).toBe(crlf)
    document_.select(1)
    document_.setValue('timeout', '6')
    expect(document_.fileText().replaceAll('\r\n', '')).not.toContain('\n')
    document_.undoLast()
    document_.applyFix({ name: 'use-lf', detail: {}, edits: [], setsLineEnd: true })
    expect(document_.fileText()).toBe(original)
    expect(document_.isDirty).toBe(true)
    document_.undoLast()
    expect(document_.fileText()).toBe(crlf)
    expect(document_.isDirty).toBe(false)
  })

  test('a file changed meanwhile is not overwritten; both changes are saved together', async () => {
    const document_ = await opened()
    document_.select(2)
    document_.setValue('weight', '5')
    const theirs = original.replace('network = direct', 'network = nat')
    disk.set('/lvs.cf', theirs)
    expect(await document_.save()).toBe(false)
    expect(disk.get('/lvs.cf')).toBe(theirs)
    expect(document_.conflict).toMatchObject({ base: original, theirs: { text: theirs } })
    const merged = theirs.replace('weight = 1', 'weight = 5')
    expect(await document_.finishMerge(merged)).toBe(true)
    expect(disk.get('/lvs.cf')).toBe(merged)
    expect(document_.isDirty).toBe(false)
  })

  test('what was typed is kept, comes back, and is forgotten once saved', async () => {
    const first = await opened()
    first.select(2)
    first.setValue('weight', '5')
    await first.keep()
    setActivePinia(createPinia())
    const second = useDocumentStore()
    await second.open('/lvs.cf')
    expect(second.restoredAtMs).toBe(5)
    expect(second.isDirty).toBe(true)
    expect(second.fileText()).toBe(original.replace('weight = 1', 'weight = 5'))
    expect(await second.save()).toBe(true)
    expect(kept.size).toBe(0)
    expect(disk.get('/lvs.cf')).toBe(original.replace('weight = 1', 'weight = 5'))
  })

  test('what was typed over an older version comes back as one to merge', async () => {
    const first = await opened()
    first.select(2)
    first.setValue('weight', '5')
    await first.keep()
    disk.set('/lvs.cf', `${original}# new\n`)
    setActivePinia(createPinia())
    const second = useDocumentStore()
    await second.open('/lvs.cf')
    expect(second.changedOnDisk).toBe(true)
    expect(await second.save()).toBe(false)
    expect(second.conflict?.base).toBe(original)
    expect(disk.get('/lvs.cf')).toBe(`${original}# new\n`)
  })

  test('an unchanged document shows what changed on disk, a changed one asks', async () => {
    const document_ = await opened()
    disk.set('/lvs.cf', `${original}# new\n`)
    await document_.lookAtDisk()
    expect(document_.fileText()).toBe(`${original}# new\n`)
    document_.select(2)
    document_.setValue('weight', '5')
    disk.set('/lvs.cf', original)
    await document_.lookAtDisk()
    expect(document_.changedOnDisk).toBe(true)
    expect(document_.fileText()).toContain('# new')
  })

  test('nothing is kept of a document that is as it was', async () => {
    const document_ = await opened()
    document_.select(2)
    document_.setValue('weight', '5')
    await document_.keep()
    document_.undoLast()
    await document_.keep()
    expect(kept.size).toBe(0)
    expect(asked.filter((name) => name === 'documents.keep')).toHaveLength(1)
  })
})
