/**
 * What became of every line of a file that was converted. Converters settle each line they understand; what nobody settled is swept
 * into the report at the end, so that no line can vanish without being named.
 */
import type { Problem, Where } from '../problem.ts'
import { problem } from '../problem.ts'
import type { NeighboursCode } from '../speech/neighbours.ts'

/** A stretch of a source file; lines and columns count from 1, columns in UTF-16 units. */
export interface Place {
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

/** `lost`: not in the result. `approximated`: there, but not quite the same. `noted`: nothing of it is needed. */
type Fate = 'unreadable' | 'lost' | 'approximated' | 'noted'

interface Entry {
  readonly fate: Fate
  readonly problem: Problem
}

export interface Report {
  /** `whole`: nothing was lost or approximated. `none`: there is no result. */
  readonly verdict: 'whole' | 'partly' | 'none'
  /** In the order of the source; what has no place in it comes last. */
  readonly entries: readonly Entry[]
  /** Source lines whose meaning is in the result unchanged, ascending. */
  readonly carriedLines: readonly number[]
}

type Detail = Readonly<Record<string, string | number>>

export interface Ledger {
  /** The meaning of this place is in the result unchanged. */
  readonly carried: (at: Place) => void
  readonly say: (code: NeighboursCode, at: Place | undefined, detail?: Detail) => void
  /** Problems found by another part, taken over as reasons why there is no result. */
  readonly refuse: (problems: readonly Problem[]) => void
  /** Whether something was said about this place, or it was carried. */
  readonly settled: (at: Place) => boolean
  readonly report: () => Report
}

/** The fate a code stands for, by its middle word. */
function fateOf(code: NeighboursCode): Fate {
  if (code.startsWith('convert-unreadable-')) return 'unreadable'
  if (code.startsWith('convert-lost-')) return 'lost'
  return code.startsWith('convert-near-') ? 'approximated' : 'noted'
}

const severities = { unreadable: 'block', lost: 'warning', approximated: 'warning', noted: 'note' } as const

function textPlace(at: Place): Where {
  return { kind: 'text', line: at.line, column: at.column, endLine: at.endLine, endColumn: at.endColumn }
}

/** An empty ledger for one conversion. */
export function newLedger(): Ledger {
  const entries: Entry[] = []
  const carriedPlaces = new Map<string, Place>()
  const said = new Set<string>()
  const seen = new Set<string>()
  const key = (at: Place): string => `${at.line}:${at.column}`
  return {
    carried: (at) => void carriedPlaces.set(key(at), at),
    say: (code, at, detail) => {
      if (at) said.add(key(at))
      const fate = fateOf(code)
      // What is expanded into several is said once.
      const once = `${code} ${at ? key(at) : ''} ${JSON.stringify(detail ?? {})}`
      if (seen.has(once)) return
      seen.add(once)
      entries.push({ fate, problem: problem(code, detail, at && textPlace(at), severities[fate]) })
    },
    refuse: (problems) => {
      for (const one of problems) entries.push({ fate: 'unreadable', problem: one })
    },
    settled: (at) => carriedPlaces.has(key(at)) || said.has(key(at)),
    report: () => {
      const lineOf = ({ problem: { where } }: Entry): number => (where?.kind === 'text' ? where.line : Infinity)
      const sorted = entries
        .map((entry, at) => ({ entry, at, line: lineOf(entry) }))
        .sort((a, b) => (a.line === b.line ? a.at - b.at : a.line - b.line))
        .map(({ entry }) => entry)
      const spoiled = new Set(sorted.filter(({ fate }) => fate !== 'noted').map(lineOf))
      const lines = [...new Set([...carriedPlaces.values()].map((at) => at.line))]
      return {
        verdict: sorted.some(({ fate }) => fate === 'unreadable')
          ? 'none'
          : sorted.some(({ fate }) => fate !== 'noted')
            ? 'partly'
            : 'whole',
        entries: sorted,
        carriedLines: lines.filter((line) => !spoiled.has(line)).sort((a, b) => a - b),
      }
    },
  }
}
