/** What the command palette finds: every word typed has to be in an entry, as it stands or letter by letter. Pure. */

/** An entry of the palette. */
export interface Entry {
  readonly id: string
  readonly group: string
  readonly label: string
  /** Beside the label: an address, where a page belongs. Searched as well. */
  readonly hint?: string
  /** Words it is found by and that are not shown: what it is called in other languages and in lvs.cf. */
  readonly words?: string
  readonly run: () => void
}

export interface Found<T extends Entry = Entry> {
  readonly entry: T
  readonly score: number
  /** Places in the label that were typed, rising. */
  readonly at: readonly number[]
}

/** How well a word fits where it was found. */
const scores = { start: 100, wordStart: 80, inside: 50, letters: 20 } as const
const hintFactor = 0.6
const separators = /[\s:._/,()（）：-]/

interface Fit {
  readonly score: number
  readonly at: readonly number[]
}

/** `loose`: also letter by letter, which would find every address in every other. */
function fitOf(word: string, text: string, loose: boolean): Fit | undefined {
  const whole = text.indexOf(word)
  if (whole >= 0) {
    // The best place, not the first: `s2` is the name in `pass s2`.
    let place = whole
    for (let next = whole; next >= 0; next = text.indexOf(word, next + 1))
      if (next === 0 || separators.test(text[next - 1] ?? '')) {
        place = next
        break
      }
    const begins = place === 0 || separators.test(text[place - 1] ?? '')
    const score = place === 0 ? scores.start : begins ? scores.wordStart : scores.inside
    return { score, at: Array.from({ length: word.length }, (_, add) => place + add) }
  }
  // Letter by letter, in order; a single letter says too little for that.
  if (!loose || word.length < 2) return undefined
  const at: number[] = []
  let from = 0
  for (const letter of word) {
    const next = text.indexOf(letter, from)
    if (next < 0) return undefined
    at.push(next)
    from = next + letter.length
  }
  const spread = (at.at(-1) ?? 0) - (at[0] ?? 0) + 1 - word.length
  // Letters strewn over a whole sentence are no name of anything.
  return spread > word.length * 3 ? undefined : { score: scores.letters - Math.min(spread, scores.letters - 1), at }
}

/** The words of a query, lower case. */
export function wordsOf(query: string): readonly string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean)
}

/** An entry against the words typed; undefined when one of them is nowhere in it. */
function match<T extends Entry>(entry: T, words: readonly string[]): Found<T> | undefined {
  const label = entry.label.toLowerCase()
  const hint = `${entry.hint ?? ''} ${entry.words ?? ''}`.toLowerCase()
  let score = 0
  const at = new Set<number>()
  for (const word of words) {
    const inLabel = fitOf(word, label, true)
    const inHint = fitOf(word, hint, false)
    const hintScore = (inHint?.score ?? 0) * hintFactor
    if (!inLabel && !inHint) return undefined
    if (inLabel && inLabel.score >= hintScore) {
      score += inLabel.score
      for (const place of inLabel.at) at.add(place)
    } else score += hintScore
  }
  return { entry, score, at: [...at].sort((a, b) => a - b) }
}

/**
 * The entries that match, at most `most`: best first, groups kept together in the order of their best entry. Without a query all of
 * them, as they come.
 */
export function find<T extends Entry>(entries: readonly T[], query: string, most: number): readonly Found<T>[] {
  const words = wordsOf(query)
  if (words.length === 0) return entries.slice(0, most).map((entry) => ({ entry, score: 0, at: [] }))
  const found = entries
    .flatMap((entry) => match(entry, words) ?? [])
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
  const groups = [...new Set(found.map(({ entry }) => entry.group))]
  return groups.flatMap((group) => found.filter(({ entry }) => entry.group === group))
}

/** A label in pieces, those that were typed marked. */
export function pieces(
  label: string,
  at: readonly number[],
): readonly { readonly text: string; readonly hit: boolean }[] {
  const hits = new Set(at)
  const told: { text: string; hit: boolean }[] = []
  for (let place = 0; place < label.length; place++) {
    const hit = hits.has(place)
    const last = told.at(-1)
    if (last?.hit === hit) last.text += label[place] ?? ''
    else told.push({ text: label[place] ?? '', hit })
  }
  return told
}
