/** A file is replaced whole, or left alone. */
import { mkdtemp, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceFile } from './atomic-file.ts'

const folder = () => mkdtemp(join(tmpdir(), 'shoal-atomic-'))

describe('replacing a file', () => {
  it('keeps the mode of what was there, and goes through a link', async () => {
    const at = await folder()
    await writeFile(join(at, 'real'), 'old', { mode: 0o640 })
    await symlink('real', join(at, 'link'))
    await replaceFile(join(at, 'link'), 'new', { mode: 0o600 })
    expect(await readFile(join(at, 'real'), 'utf8')).toBe('new')
    expect((await stat(join(at, 'real'))).mode & 0o777).toBe(0o640)
    expect(await readdir(at)).toEqual(['link', 'real'])
  })

  it('refuses what is no regular file: a folder, and a device such as /dev/null', async () => {
    const at = await folder()
    await expect(replaceFile(at, 'new', { mode: 0o600 })).rejects.toThrow('not a regular file')
    const before = await stat('/dev/null')
    await expect(replaceFile('/dev/null', 'new', { mode: 0o600 })).rejects.toThrow('not a regular file')
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(before.isCharacterDevice())
  })

  it('leaves the old file and nothing beside it when the last look says no', async () => {
    const at = await folder()
    await writeFile(join(at, 'file'), 'old')
    const no = () => Promise.reject(new Error('changed'))
    await expect(replaceFile(join(at, 'file'), 'new', { mode: 0o600, before: no })).rejects.toThrow('changed')
    expect(await readFile(join(at, 'file'), 'utf8')).toBe('old')
    expect(await readdir(at)).toEqual(['file'])
  })
})
