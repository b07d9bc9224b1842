/** The user guide says what the program does, in both languages, and its links and pictures lead somewhere. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { languages } from '../../domain/speech/speech.ts'
import { reference, referenceFiles } from './reference.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = path.join(root, 'resources/guide')
const pagesOf = (language: string) => readdirSync(path.join(guide, language)).filter((name) => name.endsWith('.md'))

it.each(referenceFiles)('$file is what the program does (npm run guide writes it anew)', ({ file, language }) => {
  expect(readFileSync(path.join(root, file), 'utf8')).toBe(reference(language))
})

describe('the guide', () => {
  it('has the same pages in every language, each with the same headings', () => {
    const [first, ...others] = languages
    const shape = (language: string, page: string) =>
      readFileSync(path.join(guide, language, page), 'utf8')
        .split('\n')
        .flatMap((line) => /^#+(?= )/.exec(line)?.[0] ?? [])
    for (const other of others) {
      expect(pagesOf(other)).toEqual(pagesOf(first))
      for (const page of pagesOf(first)) expect([page, shape(other, page)]).toEqual([page, shape(first, page)])
    }
  })

  it.each(languages)('%s: every link and picture is there', (language) => {
    const missing = pagesOf(language).flatMap((page) => {
      const text = readFileSync(path.join(guide, language, page), 'utf8').replace(/```[\s\S]*?```/g, '')
      return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target.split('#')[0] ?? '')
        .filter((target) => target !== '' && !/^https?:/.test(target))
        .filter((target) => !existsSync(path.join(guide, language, target)))
        .map((target) => `${page}: ${target}`)
    })
    expect(missing).toEqual([])
  })

  it('shows, and the README with it, only pictures the browser tests make anew each time', () => {
    const folder = path.join(root, 'test/e2e')
    const made = readdirSync(folder)
      .filter((name) => name.endsWith('.spec.ts') && !/\.lab\.spec\.ts$|^electron/.test(name))
      .flatMap((name) => [
        ...readFileSync(path.join(folder, name), 'utf8').matchAll(/picture\([^,]+, (['`])(.+?)\1\)/g),
      ])
      .map(
        ([, , name = '']) => new RegExp(`^${name.replace(/[.*+?^()|[\]\\]/g, '\\$&').replace(/\$\{[^}]*\}/g, '.+')}$`),
      )
    const texts = [
      path.join(root, 'README.md'),
      ...languages.flatMap((language) => pagesOf(language).map((page) => path.join(guide, language, page))),
    ]
    const shown = texts.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\]\([^)\s]*screenshots\/([^)\s]+)\.png\)/g)].map(
        ([, name = '']) => name,
      ),
    )
    expect(shown.length).toBeGreaterThan(5)
    expect(shown.filter((name) => !made.some((form) => form.test(name)))).toEqual([])
  })
})
