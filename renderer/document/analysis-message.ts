/**
 * What passes between the window and the analysis worker. Names of 10,000 nodes cross as two long strings and the columns of numbers
 * change hands, because copying one by one is felt as a pause in typing.
 */
import type { Analysis } from '../../domain/lvscf/analysis.ts'
import type { HeldText } from '../../domain/lvscf/document-text.ts'

export interface Question {
  readonly number: number
  readonly held: HeldText
}

type Columns = Omit<Analysis['outline'], 'name' | 'about'>

interface Packed extends Omit<Analysis, 'outline'> {
  readonly columns: Columns
  /** One per line: no word of lvs.cf holds a line end. */
  readonly names: string
  readonly abouts: string
}

export interface Answered {
  readonly number: number
  readonly packed: Packed
}

const separator = '\n'

/** An analysis as it is sent, and what changes hands with it. */
export function pack({ outline, ...others }: Analysis): { readonly packed: Packed; readonly given: ArrayBuffer[] } {
  const { name, about, ...columns } = outline
  return {
    packed: { ...others, columns, names: name.join(separator), abouts: about.join(separator) },
    given: [others.gravest, ...Object.values(columns)].map(({ buffer }) => buffer as ArrayBuffer),
  }
}

export function unpack({ columns, names, abouts, ...others }: Packed): Analysis {
  return { ...others, outline: { ...columns, name: names.split(separator), about: abouts.split(separator) } }
}
