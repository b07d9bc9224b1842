/**
 * Two versions of a text that came from one: which lines each changed, where they changed the same lines differently, and the text
 * when a choice is made for each. Line-based three-way merge after Khanna, Kunal and Pierce, "A Formal Investigation of Diff3" (2007):
 * lines that both versions kept are the fixed points, what lies between two of them is one chunk.
 */

export type Choice = 'mine' | 'theirs' | 'base' | 'both'

export interface Chunk {
  /** `same`: nobody changed it. `mine`, `theirs`: only that side. `agreed`: both, alike. `conflict`: both, differently. */
  readonly kind: 'same' | 'mine' | 'theirs' | 'agreed' | 'conflict'
  readonly base: readonly string[]
  readonly mine: readonly string[]
  readonly theirs: readonly string[]
  /** Line of the first line of the chunk, from 1, in each text. */
  readonly baseLine: number
  readonly mineLine: number
  readonly theirsLine: number
}

/** Beyond this many lines of change the search for common lines stops, and the rest counts as changed whole. */
const searchLimit = 3_000

/** Lines with their line ends, so that joining them gives the text back. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/**
 * For each line of `a` the line of `b` it is, or −1: a longest common subsequence by Myers' greedy algorithm ("An O(ND) Difference
 * Algorithm", 1986) after equal ends are set aside.
 */
function matches(a: readonly string[], b: readonly string[]): Int32Array {
  const found = new Int32Array(a.length).fill(-1)
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) found[head] = head++
  let aEnd = a.length
  let bEnd = b.length
  while (aEnd > head && bEnd > head && a[aEnd - 1] === b[bEnd - 1]) found[--aEnd] = --bEnd
  const n = aEnd - head
  const m = bEnd - head
  if (n === 0 || m === 0) return found
  const most = Math.min(n + m, searchLimit)
  const offset = most + 1
  const furthest = new Int32Array(2 * most + 3)
  const trace: Int32Array[] = []
  for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice(offset - d - 1, offset + d + 2))
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest[offset + k - 1] ?? 0) < (furthest[offset + k + 1] ?? 0))
      let x = down ? (furthest[offset + k + 1] ?? 0) : (furthest[offset + k - 1] ?? 0) + 1
      let y = x - k
      while (x < n && y < m && a[head + x] === b[head + y]) {
        x++
        y++
      }
      furthest[offset + k] = x
      if (x >= n && y >= m) {
        retrace(trace, n, m, head, found)
        return found
      }
    }
  }
  return found
}

function retrace(trace: readonly Int32Array[], n: number, m: number, head: number, found: Int32Array): void {
  let x = n
  let y = m
  for (let d = trace.length - 1; d >= 0; d--) {
    const before = trace[d]
    const at = (k: number): number => before?.[k + d + 1] ?? 0
    const k = x - y
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1))
    const from = down ? k + 1 : k - 1
    const fromX = d === 0 ? 0 : at(from)
    const fromY = d === 0 ? 0 : fromX - from
    while (x > fromX && y > fromY) found[head + --x] = head + --y
    if (d > 0) {
      x = fromX
      y = fromY
    }
  }
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at])
}

/** The chunks of two versions and what they came from, in order; joined they tile all three texts. */
export function threeWay(base: string, mine: string, theirs: string): readonly Chunk[] {
  const o = linesOf(base)
  const a = linesOf(mine)
  const b = linesOf(theirs)
  const inMine = matches(o, a)
  const inTheirs = matches(o, b)
  const chunks: Chunk[] = []
  let oAt = 0
  let aAt = 0
  let bAt = 0
  const push = (kind: Chunk['kind'] | undefined, oTo: number, aTo: number, bTo: number): void => {
    if (oTo === oAt && aTo === aAt && bTo === bAt) return
    const baseLines = o.slice(oAt, oTo)
    const mineLines = a.slice(aAt, aTo)
    const theirsLines = b.slice(bAt, bTo)
    const byMine = !equal(baseLines, mineLines)
    const byTheirs = !equal(baseLines, theirsLines)
    chunks.push({
      kind:
        kind ??
        (byMine && byTheirs
          ? equal(mineLines, theirsLines)
            ? 'agreed'
            : 'conflict'
          : byMine
            ? 'mine'
            : byTheirs
              ? 'theirs'
              : 'same'),
      base: baseLines,
      mine: mineLines,
      theirs: theirsLines,
      baseLine: oAt + 1,
      mineLine: aAt + 1,
      theirsLine: bAt + 1,
    })
    oAt = oTo
    aAt = aTo
    bAt = bTo
  }
  let at = 0
  while (at < o.length) {
    const am = inMine[at] ?? -1
    const bm = inTheirs[at] ?? -1
    if (am < aAt || bm < bAt) {
      at++
      continue
    }
    // A line that all three have: what came before it is one chunk, and the run of such lines another.
    push(undefined, at, am, bm)
    let run = 0
    while (at + run < o.length && inMine[at + run] === am + run && inTheirs[at + run] === bm + run) run++
    push('same', at + run, am + run, bm + run)
    at += run
  }
  push(undefined, o.length, a.length, b.length)
  return chunks
}

/** What a chunk becomes when nobody chooses: the side that changed it; undefined for a conflict. */
export function naturalChoice(chunk: Chunk): Choice | undefined {
  if (chunk.kind === 'conflict') return undefined
  return chunk.kind === 'theirs' ? 'theirs' : 'mine'
}

/** The merged text, or undefined while a conflict has no choice. `choices` is by number of the chunk. */
export function mergedText(chunks: readonly Chunk[], choices: ReadonlyMap<number, Choice>): string | undefined {
  const out: string[] = []
  for (const [at, chunk] of chunks.entries()) {
    const choice = choices.get(at) ?? naturalChoice(chunk)
    if (!choice) return undefined
    if (choice === 'both') {
      const mine = chunk.mine.join('')
      out.push(mine, ...(mine !== '' && !mine.endsWith('\n') && chunk.theirs.length > 0 ? ['\n'] : []), ...chunk.theirs)
    } else out.push(...chunk[choice])
  }
  return out.join('')
}
