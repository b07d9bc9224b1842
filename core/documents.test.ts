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
afterEach(() => rm(home, { recursive: true, force: true }))

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
      detail: { line: 2, character: '中', encoding: 'latin1' },
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

test('what is typed is kept until it is forgotten', async () => {
  const kept = { file: join(home, 'lvs.cf'), text: 'x', encoding: 'utf-8' as const, base: 'w', digest: 'd' }
  await documents['documents.keep'](kept)
  await documents['documents.keep']({ ...kept, file: null, digest: null })
  const again = documentHandlers({ hosts: noHosts, dataDir: join(home, 'data'), home })
  expect(await again['documents.kept']({ file: kept.file })).toEqual({ ok: true, value: { ...kept, keptAtMs: 7_000 } })
  expect(await again['documents.kept-list']({})).toMatchObject({
    value: expect.arrayContaining([{ file: null, keptAtMs: 7_000 }]),
  })
  await again['documents.forget']({ file: kept.file })
  expect(await again['documents.kept']({ file: kept.file })).toEqual({ ok: true, value: null })
})
