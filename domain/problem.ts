/**
 * A failure that can happen is a value. Every part of Shoal (file reader, SSH, provisioning, agent, window) reports with the
 * same shape, so one list on the screen and one printer on the command line can show them all. Bugs throw; problems are returned.
 */
import type { ActingCode } from './speech/acting.ts'
import type { AppCode } from './speech/app.ts'
import type { ChecksCode } from './speech/checks.ts'
import type { ClusterCode } from './speech/cluster.ts'
import type { DocumentCode } from './speech/document.ts'
import type { HostCode } from './speech/host.ts'
import type { LvscfCode } from './speech/lvscf.ts'
import type { NeighboursCode } from './speech/neighbours.ts'
import type { NotifyCode } from './speech/notify.ts'
import type { ServeCode } from './speech/serve.ts'

/** Every code Shoal can report. A code without its sentence and remedy in each language does not compile (see speech/). */
export type ProblemCode =
  | ActingCode
  | AppCode
  | ChecksCode
  | ClusterCode
  | DocumentCode
  | HostCode
  | LvscfCode
  | NeighboursCode
  | NotifyCode
  | ServeCode

/** `block`: nothing goes on. `warning`: it works, but will surprise. `note`: worth knowing. */
export type Severity = 'block' | 'warning' | 'note'

/** Where a problem is. Lines and columns are 1-based; columns count UTF-16 units, as editors do. */
export type Where =
  | {
      readonly kind: 'text'
      readonly file?: string
      readonly line: number
      readonly column: number
      readonly endLine: number
      readonly endColumn: number
    }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'host'; readonly host: string; readonly step?: string }
  /** A field of a draft, as a dotted path: `services.0.port`. */
  | { readonly kind: 'field'; readonly path: string }

/** What is wrong, where, and the facts its sentence needs. `detail` never holds a secret. */
export interface Problem {
  readonly code: ProblemCode
  readonly severity: Severity
  readonly where?: Where
  readonly detail?: Readonly<Record<string, string | number>>
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] }

/** A success. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

/** A failure with one or more problems. */
export function failed(...problems: readonly Problem[]): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems }
}

/** Makes a problem; severity is `block` unless said. */
export function problem(
  code: ProblemCode,
  detail?: Readonly<Record<string, string | number>>,
  where?: Where,
  severity: Severity = 'block',
): Problem {
  return { code, severity, ...(where ? { where } : {}), ...(detail ? { detail } : {}) }
}
