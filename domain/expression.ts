/**
 * Regular expressions of checks: POSIX extended ones, as `use_regex` means them, with the shorthands people write from habit
 * (`\d \s \w \b`, `(?:…)`, `(?i)`, lazy repetition). They are run as a machine whose work is bounded by the length of the text times the
 * size of the expression: what a config says can never hold the agent, whatever a real server answers. What cannot be run so
 * (back references, looking ahead) is a fault that is told when the file is read.
 */

/** The machine may have so many states: `x{1,255}` needs 255. */
const statesMax = 2_000
/** Steps spent on one text at most: some hundredths of a second. */
const stepsMax = 4_000_000
/** POSIX RE_DUP_MAX. */
const repeatMax = 255

type Set = readonly (readonly [from: number, to: number])[]

type Node =
  | { readonly kind: 'set'; readonly set: Set; readonly not: boolean }
  | { readonly kind: 'at'; readonly where: 'start' | 'end' | 'edge' | 'inside' | 'word-start' | 'word-end' }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'any'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number }

/** One state of the machine. */
type State =
  | { readonly kind: 'set'; readonly set: Set; readonly not: boolean; next: number }
  | { readonly kind: 'at'; readonly where: Extract<Node, { kind: 'at' }>['where']; next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'match' }

export interface Expression {
  readonly states: readonly State[]
  readonly start: number
  readonly anyCase: boolean
}

export type ExpressionFault = 'syntax' | 'back-reference' | 'look-around' | 'too-large'

class Fault extends Error {
  readonly fault: ExpressionFault
  constructor(fault: ExpressionFault) {
    super(fault)
    this.fault = fault
  }
}

const classes: Readonly<Record<string, Set>> = {
  alpha: [
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  digit: [[0x30, 0x39]],
  alnum: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  upper: [[0x41, 0x5a]],
  lower: [[0x61, 0x7a]],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
  ],
  blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  xdigit: [
    [0x30, 0x39],
    [0x41, 0x46],
    [0x61, 0x66],
  ],
  print: [[0x20, 0x7e]],
  graph: [[0x21, 0x7e]],
  cntrl: [
    [0x00, 0x1f],
    [0x7f, 0x7f],
  ],
}

const wordSet: Set = [...(classes['alnum'] ?? []), [0x5f, 0x5f]]
const everything: Set = [[0, 0x10_ffff]]

/** `\d`, `\W`, … as people write them; undefined for any other letter. */
function shorthand(letter: string): Extract<Node, { kind: 'set' }> | undefined {
  const set = { d: classes['digit'], s: classes['space'], w: wordSet }[letter.toLowerCase()]
  return set && { kind: 'set', set, not: letter !== letter.toLowerCase() }
}

const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 }

/** Reads an expression as a tree; throws Fault. */
class ExpressionReader {
  private at = 0
  private readonly text: string
  anyCase = false

  constructor(text: string) {
    this.text = text
    if (text.startsWith('(?i)')) {
      this.anyCase = true
      this.at = 4
    }
  }

  whole(): Node {
    const node = this.alternatives()
    if (this.at < this.text.length) throw new Fault('syntax')
    return node
  }

  private peek(ahead = 0): string {
    return this.text.charAt(this.at + ahead)
  }

  private alternatives(): Node {
    const parts = [this.sequence()]
    while (this.peek() === '|') {
      this.at++
      parts.push(this.sequence())
    }
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'any', parts }
  }

  private sequence(): Node {
    const parts: Node[] = []
    while (this.at < this.text.length && this.peek() !== '|' && this.peek() !== ')') {
      parts.push(this.repeated(this.one()))
    }
    return { kind: 'all', parts }
  }

  private repeated(first: Node): Node {
    let node = first
    for (;;) {
      const bounds = this.bounds()
      if (!bounds) return node
      // Lazy or greedy makes no difference to whether there is a match.
      if (this.peek() === '?') this.at++
      node = { kind: 'repeat', part: node, least: bounds[0], most: bounds[1] }
    }
  }

  private bounds(): readonly [number, number] | undefined {
    const char = this.peek()
    if (char === '*' || char === '+' || char === '?') {
      this.at++
      return char === '*' ? [0, Infinity] : char === '+' ? [1, Infinity] : [0, 1]
    }
    if (char !== '{') return undefined
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.text.slice(this.at))
    // A brace that begins no count stands for itself, as in glibc.
    if (!match) return undefined
    const least = Number(match[1])
    const most = match[2] === undefined ? least : match[3] === '' ? Infinity : Number(match[3])
    if (least > repeatMax || (most !== Infinity && most > repeatMax)) throw new Fault('too-large')
    if (most < least) throw new Fault('syntax')
    this.at += match[0].length
    return [least, most]
  }

  private one(): Node {
    const char = this.peek()
    switch (char) {
      case '(':
        return this.group()
      case '[':
        return this.bracket()
      case '.':
        this.at++
        return { kind: 'set', set: everything, not: false }
      case '^':
        this.at++
        return { kind: 'at', where: 'start' }
      case '$':
        this.at++
        return { kind: 'at', where: 'end' }
      case '\\':
        return this.escape()
      case '*':
      case '+':
      case '?':
        throw new Fault('syntax')
      default:
        return this.literal()
    }
  }

  private literal(): Node {
    const code = this.text.codePointAt(this.at) ?? 0
    this.at += code > 0xffff ? 2 : 1
    return { kind: 'set', set: [[code, code]], not: false }
  }

  private group(): Node {
    this.at++
    if (this.peek() === '?') {
      if (this.peek(1) !== ':') throw new Fault(/[=!<]/.test(this.peek(1)) ? 'look-around' : 'syntax')
      this.at += 2
    }
    const inner = this.alternatives()
    if (this.peek() !== ')') throw new Fault('syntax')
    this.at++
    return inner
  }

  private escape(): Node {
    const letter = this.peek(1)
    if (letter === '') throw new Fault('syntax')
    if (/[1-9]/.test(letter)) throw new Fault('back-reference')
    const where = { b: 'edge', B: 'inside', '<': 'word-start', '>': 'word-end', '`': 'start', "'": 'end' } as const
    if (Object.hasOwn(where, letter)) {
      this.at += 2
      return { kind: 'at', where: where[letter as keyof typeof where] }
    }
    const set = shorthand(letter)
    if (set) {
      this.at += 2
      return set
    }
    const control = controls[letter]
    if (control !== undefined) {
      this.at += 2
      return { kind: 'set', set: [[control, control]], not: false }
    }
    this.at++
    return this.literal()
  }

  private bracket(): Node {
    this.at++
    const not = this.peek() === '^'
    if (not) this.at++
    const set: (readonly [number, number])[] = []
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.at >= this.text.length) throw new Fault('syntax')
      const named = /^\[:(\w+):\]/.exec(this.text.slice(this.at))
      if (named) {
        const known = classes[named[1] ?? '']
        if (!known) throw new Fault('syntax')
        set.push(...known)
        this.at += named[0].length
        continue
      }
      const short = this.peek() === '\\' ? shorthand(this.peek(1)) : undefined
      if (short && !short.not) {
        set.push(...short.set)
        this.at += 2
        continue
      }
      const from = this.member()
      const ranged = this.peek() === '-' && this.peek(1) !== ']' && this.peek(1) !== ''
      if (ranged) this.at++
      const to = ranged ? this.member() : from
      if (to < from) throw new Fault('syntax')
      set.push([from, to])
    }
    this.at++
    return { kind: 'set', set, not }
  }

  /** One character of a bracket expression. A backslash stands for itself there, as POSIX has it. */
  private member(): number {
    const code = this.text.codePointAt(this.at)
    if (code === undefined) throw new Fault('syntax')
    this.at += code > 0xffff ? 2 : 1
    return code
  }
}

/** Lays the tree out as states, from the end backwards. Throws Fault when they are too many. */
function layOut(root: Node): { readonly states: State[]; readonly start: number } {
  const states: State[] = [{ kind: 'match' }]
  const add = (state: State): number => {
    if (states.length >= statesMax) throw new Fault('too-large')
    return states.push(state) - 1
  }
  const lay = (node: Node, next: number): number => {
    switch (node.kind) {
      case 'set':
        return add({ kind: 'set', set: node.set, not: node.not, next })
      case 'at':
        return add({ kind: 'at', where: node.where, next })
      case 'all':
        return node.parts.reduceRight((after, part) => lay(part, after), next)
      case 'any':
        return node.parts
          .map((part) => lay(part, next))
          .reduceRight((other, branch) => add({ kind: 'split', next: branch, other }))
      case 'repeat': {
        let start = next
        if (node.most === Infinity) {
          const loop: State = { kind: 'split', next: -1, other: next }
          start = add(loop)
          loop.next = lay(node.part, start)
        } else {
          for (let n = node.least; n < node.most; n++)
            start = add({ kind: 'split', next: lay(node.part, start), other: next })
        }
        for (let n = 0; n < node.least; n++) start = lay(node.part, start)
        return start
      }
    }
  }
  const start = lay(root, 0)
  return { states, start }
}

/** An expression made ready, or why it cannot be used. */
export function expressionOf(source: string): Expression | { readonly fault: ExpressionFault } {
  try {
    const reader = new ExpressionReader(source)
    return { ...layOut(reader.whole()), anyCase: reader.anyCase }
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault }
    throw error
  }
}

function within(set: Set, code: number): boolean {
  return set.some(([from, to]) => code >= from && code <= to)
}

function isIn(state: Extract<State, { kind: 'set' }>, code: number, anyCase: boolean): boolean {
  let found = within(state.set, code)
  if (!found && anyCase) {
    if (code >= 0x41 && code <= 0x5a) found = within(state.set, code + 0x20)
    else if (code >= 0x61 && code <= 0x7a) found = within(state.set, code - 0x20)
  }
  return found !== state.not
}

/** A text that comes in pieces, as an expression sees it. */
export interface Matcher {
  /**
   * Takes the next piece in. `matched`: the expression matches somewhere in what has come so far (`$` means its end); `spent`: the
   * work allowed for one text is done and no match is known.
   */
  readonly feed: (piece: string) => 'matched' | 'open' | 'spent'
}

/** Begins a text. The work over all of its pieces is bounded by `stepsMax`, whatever the expression and the text are. */
export function matcher(expression: Expression): Matcher {
  const { states, start, anyCase } = expression
  /** The visit at which a state was last entered, so that none is entered twice at one position. */
  const entered = new Int32Array(states.length).fill(-1)
  let visit = 0
  let steps = 0
  /** Entered at the next position, once it is known what stands there. */
  let frontier: number[] = []
  let isFirst = true
  let wordBefore = false
  let matched = false

  /** Everything that is reached at this position without a character; undefined when the end is among it. */
  const reach = (wordAfter: boolean, isEnd: boolean): number[] | undefined => {
    visit++
    const into: number[] = []
    const stack = [...frontier, start]
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (entered[index] === visit) continue
      entered[index] = visit
      steps++
      const state = states[index]
      if (state === undefined) continue
      if (state.kind === 'match') return undefined
      if (state.kind === 'set') into.push(index)
      else if (state.kind === 'split') stack.push(state.other, state.next)
      else if (holds(state.where, wordAfter, isEnd)) stack.push(state.next)
    }
    return into
  }
  const holds = (where: Extract<Node, { kind: 'at' }>['where'], wordAfter: boolean, isEnd: boolean): boolean => {
    if (where === 'start') return isFirst
    if (where === 'end') return isEnd
    if (where === 'edge') return wordBefore !== wordAfter
    if (where === 'inside') return wordBefore === wordAfter
    return where === 'word-start' ? !wordBefore && wordAfter : wordBefore && !wordAfter
  }

  return {
    feed(piece) {
      for (let at = 0; at < piece.length && !matched; at++) {
        if (steps > stepsMax) return 'spent'
        const code = piece.charCodeAt(at)
        const isWord = within(wordSet, code)
        const reached = reach(isWord, false)
        if (!reached) {
          matched = true
          break
        }
        const next: number[] = []
        for (const index of reached) {
          const state = states[index]
          if (state?.kind === 'set' && isIn(state, code, anyCase)) next.push(state.next)
        }
        frontier = next
        isFirst = false
        wordBefore = isWord
      }
      matched ||= reach(false, true) === undefined
      return matched ? 'matched' : steps > stepsMax ? 'spent' : 'open'
    },
  }
}

/** Whether an expression matches somewhere in a text; false when that cannot be told with the work allowed. */
export function matches(expression: Expression, text: string): boolean {
  return matcher(expression).feed(text) === 'matched'
}
