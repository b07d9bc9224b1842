/** Two texts as one list of lines: kept, added, removed. Longest common subsequence after equal ends are cut off. */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

/** Above this many cells the middle is shown as replaced whole: such a text is not read line by line anyway. */
const mostCells = 4_000_000

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split('\n')
  const b = after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1

  const same = (text: string): DiffLine => ({ kind: 'same', text })
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ]
}

/** Only the changes with so many lines around each; `gap` stands where lines are left out. */
export function nearChanges(
  lines: readonly DiffLine[],
  around: number,
): readonly (DiffLine | { readonly kind: 'gap'; readonly text: '' })[] {
  const near = new Set<number>()
  lines.forEach((line, at) => {
    if (line.kind === 'same') return
    for (let place = at - around; place <= at + around; place += 1) near.add(place)
  })
  const gap = { kind: 'gap', text: '' } as const
  return lines.flatMap((line, at): readonly (DiffLine | typeof gap)[] =>
    near.has(at) ? [line] : at === 0 || near.has(at - 1) ? [gap] : [],
  )
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const removed = a.map((text): DiffLine => ({ kind: 'removed', text }))
  const added = b.map((text): DiffLine => ({ kind: 'added', text }))
  if (a.length === 0 || b.length === 0 || a.length * b.length > mostCells) return [...removed, ...added]
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' })
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push(removed[i++] as DiffLine)
    else lines.push(added[j++] as DiffLine)
  }
  return [...lines, ...removed.slice(i), ...added.slice(j)]
}
