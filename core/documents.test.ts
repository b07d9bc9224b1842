/** Documents on disk: bytes, owner and mode kept; nothing overwritten unseen; what is typed outlives a crash. */
import { chmod, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeDocument, encodeDocument } from './document-bytes.ts'
import { documentHandlers } from './documents.ts'
import type { DocumentHandlers } from './documents.ts'

/** Files of this machine need no host. */
const noHosts = { session: () => Promise.reject(new Error('a file of this machine was looked for on a host')) }
let home: string
let documents: DocumentHandlers

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shoal-documents-'))
  documents = documentHandlers({ dataDir: join(home, 'data'), home, hosts: noHosts, nowMs: () => 7_000 })
})
afterEach(async () => {
  // The list of recent files is written behind the answer.
  await documents['documents.recent']({})
  await rm(home, { recursive: true, force: true })
})

async function opened(name: string) {
  const answer = await documents['documents.open']({ file: join(home, name) })
  if (!answer.ok) throw new Error(JSON.stringify(answer.problems))
  return answer.value
}

describe('bytes', () => {
  const gb = Buffer.from('23d6d0cec4d7a2cacd0a7365727669636520203d206c76730d0a', 'hex')
  test.each([
    ['UTF-8', Buffer.from('# 中文\nservice = lvs\n'), 'utf-8'],
    ['a byte order mark', Buffer.from('\uFEFFservice = lvs\r\n'), 'utf-8'],
    ['GB18030', gb, 'gb18030'],
    ['GB18030 with a four-byte code', Buffer.from('8139ee39a3bf', 'hex'), 'gb18030'],
    ['a character beyond the basic plane in GB18030', Buffer.from('d6d095328236', 'hex'), 'gb18030'],
    ['neither', Buffer.from([0x23, 0xff, 0x80, 0x0a]), 'latin1'],
    ['NUL and lone carriage returns', Buffer.from('a\rb\0c\n'), 'utf-8'],
  ])('%s comes back byte for byte', (_, bytes, encoding) => {
    const read = decodeDocument(bytes)
    expect(read.encoding).toBe(encoding)
    const back = encodeDocument(read.text, read.encoding)
    expect(back.ok && Buffer.from(back.value).equals(bytes)).toBe(true)
  })

  test('GB18030 comments are read as what they say', () => {
    expect(decodeDocument(gb).text).toBe('#中文注释\nservice  = lvs\r\n')
  })

  test('every byte sequence of two and three bytes comes back', () => {
    for (let a = 0x7f; a <= 0xff; a += 3) {
      for (let b = 0x30; b <= 0xff; b += 5) {
        const bytes = Uint8Array.of(a, b, 0x0a)
        const read = decodeDocument(bytes)
        const back = encodeDocument(read.text, read.encoding)
        expect(back.ok && Buffer.from(back.value).equals(Buffer.from(bytes))).toBe(true)
      }
    }
  })

  test('a character the encoding does not have is named with its line', () => {
    const back = encodeDocument('a\n# é 中\n', 'latin1')
    expect(!back.ok && back.problems[0]).toMatchObject({
      code: 'document-not-in-encoding',
      detail: { line: 2, character: '中', encoding: 'Latin-1' },
    })
  })
})

describe('files', () => {
  test('a saved file keeps its mode and the link that leads to it', async () => {
    const file = join(home, 'lvs.cf')
    await writeFile(file, 'service = lvs\n')
    await chmod(file, 0o640)
    await symlink(file, join(home, 'link.cf'))
    const { digest } = await opened('link.cf')
    const saved = await documents['documents.save']({ file: join(home, 'link.cf'), text: 'service = fos\n', digest })
    expect(saved.ok).toBe(true)
    expect(await readFile(file, 'utf8')).toBe('service = fos\n')
    expect((await stat(file)).mode & 0o777).toBe(0o640)
    expect((await readdir(home)).sort()).toEqual(['data', 'link.cf', 'lvs.cf'])
  })

  test('a version nobody has seen is not overwritten', async () => {
    const file = join(home, 'lvs.cf')
    await writeFile(file, 'a\n')
    const { digest } = await opened('lvs.cf')
    await writeFile(file, 'b\n')
    const saved = await documents['documents.save']({ file, text: 'c\n', digest })
    expect(!saved.ok && saved.problems[0]?.code).toBe('changed-meanwhile')
    expect(await readFile(file, 'utf8')).toBe('b\n')
    const asNew = await documents['documents.save']({ file, text: 'c\n', digest: null })
    expect(!asNew.ok && asNew.problems[0]?.code).toBe('changed-meanwhile')
  })

  test('a deleted file counts as changed', async () => {
    const file = join(home, 'lvs.cf')
    await writeFile(file, 'a\n')
    const { digest } = await opened('lvs.cf')
    await rm(file)
    const saved = await documents['documents.save']({ file, text: 'c\n', digest })
    expect(!saved.ok && saved.problems[0]?.code).toBe('changed-meanwhile')
  })

  test('a GB18030 file stays one when it is saved', async () => {
    const file = join(home, 'lvs.cf')
    await writeFile(file, Buffer.from('23d6d0cec40a', 'hex'))
    const { digest, text, encoding } = await opened('lvs.cf')
    await documents['documents.save']({ file, text: `${text}x\n`, digest, encoding })
    expect((await readFile(file)).toString('hex')).toBe('23d6d0cec40a780a')
  })

  test('the newest of the recent files comes first, each once', async () => {
    for (const name of ['a', 'b']) await writeFile(join(home, name), '')
    await opened('a')
    await opened('b')
    await opened('a')
    expect(await documents['documents.recent']({})).toEqual({ ok: true, value: [join(home, 'a'), join(home, 'b')] })
  })

  test('a file that is not there cannot be opened', async () => {
    const answer = await documents['documents.open']({ file: '~/none' })
    expect(!answer.ok && answer.problems[0]).toMatchObject({
      code: 'file-unreadable',
      detail: { file: join(home, 'none') },
    })
  })
})

test('a file is read in another encoding only when every byte would come back', async () => {
  const file = join(home, 'latin.cf')
  await writeFile(file, Buffer.from('# \u00e9t\u00e9\n', 'latin1'))
  const asked = async (encoding: 'utf-8' | 'gb18030' | 'latin1') => documents['documents.open']({ file, encoding })
  expect(await asked('latin1')).toMatchObject({ value: { text: '# \u00e9t\u00e9\n', encoding: 'latin1' } })
  expect(await asked('utf-8')).toMatchObject({ problems: [{ code: 'document-not-read-in-encoding' }] })
})

test('the desktop chooses a path where there is a desktop', async () => {
  const ask = { purpose: 'save' as const, suggested: '~/lvs.cf' }
  expect(await documents['documents.choose'](ask)).toMatchObject({ problems: [{ code: 'no-file-dialog' }] })
  const asked: unknown[] = []
  const chooseFile = (...words: unknown[]) => {
    asked.push(words)
    return Promise.resolve(undefined)
  }
  const desktop = documentHandlers({ hosts: noHosts, dataDir: join(home, 'data'), home, chooseFile })
  expect(await desktop['documents.choose'](ask)).toEqual({ ok: true, value: null })
  await desktop['documents.choose']({ purpose: 'open', suggested: 'ssh://root@lvs1/etc/lvs.cf' })
  expect(asked).toEqual([
    ['save', join(home, 'lvs.cf')],
    ['open', undefined],
  ])
})

test('what is typed is kept until it is forgotten', async () => {
  const kept = { file: join(home, 'lvs.cf'), encoding: 'utf-8' as const, digest: 'd' }
  const change = { from: 2, to: 3, insert: 'typed' }
  await documents['documents.keep']({ ...kept, base: 'a b c', change: { from: 0, to: 0, insert: '# ' } })
  // The base need not be sent again.
  expect(await documents['documents.keep']({ ...kept, base: null, change })).toEqual({ ok: true, value: null })
  await documents['documents.keep']({
    ...kept,
    file: null,
    digest: null,
    base: '',
    change: { ...change, from: 0, to: 0 },
  })
  const again = documentHandlers({ hosts: noHosts, dataDir: join(home, 'data'), home })
  expect(await again['documents.keep']({ ...kept, base: null, change })).toMatchObject({
    problems: [{ code: 'document-base-unknown' }],
  })
  expect(await again['documents.kept']({ file: kept.file })).toEqual({
    ok: true,
    value: { ...kept, base: 'a b c', text: 'a typed c', keptAtMs: 7_000 },
  })
  expect(await again['documents.kept-list']({})).toMatchObject({
    value: expect.arrayContaining([{ file: null, keptAtMs: 7_000 }]),
  })
  await again['documents.forget']({ file: kept.file })
  expect(await again['documents.kept']({ file: kept.file })).toEqual({ ok: true, value: null })
})
