/** Both languages say the same things with the same facts in them. */
import { describe, expect, it } from 'vitest'
import { en } from '../../renderer/i18n/en.ts'
import { zhCN } from '../../renderer/i18n/zh-cn.ts'

function leaves(tree: unknown, prefix = ''): [string, string][] {
  return Object.entries(tree as Record<string, unknown>).flatMap(([key, value]) =>
    typeof value === 'string' ? [[`${prefix}${key}`, value] as [string, string]] : leaves(value, `${prefix}${key}.`),
  )
}
const facts = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]))].sort()
const chinese = new Map(leaves(zhCN))

describe('the words of the screen', () => {
  it('has the same facts in every message of both languages', () => {
    for (const [key, text] of leaves(en)) {
      // `{n}` may be left out where the other language says the number in words.
      const without = (names: (string | undefined)[]) => names.filter((name) => name !== 'n')
      expect([key, without(facts(chinese.get(key) ?? ''))]).toEqual([key, without(facts(text))])
    }
  })

  it('has as many plural forms in both languages', () => {
    for (const [key, text] of leaves(en)) {
      expect([key, (chinese.get(key) ?? '').split(' | ').length]).toEqual([key, text.split(' | ').length])
    }
  })

  it('says Chinese in Chinese: no message is left in English', () => {
    const same = leaves(en).filter(([key, text]) => chinese.get(key) === text && /[a-z]{4,} [a-z]{3,}/.test(text))
    expect(same).toEqual([])
  })

  it('has no exclamation mark', () => {
    expect([...leaves(en), ...leaves(zhCN)].filter(([, text]) => /[!！]/.test(text))).toEqual([])
  })
})
