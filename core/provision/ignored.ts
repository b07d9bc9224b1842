/**
 * Warnings somebody has decided to live with: kept per cluster with the reason and the date, and shown with both. Only warnings and notes
 * can be ignored; a block never. A warning that comes back about another thing (another check, host or code) is shown anew.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { Finding } from '../../domain/plan.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { jsonFile, readJson, writeJson } from '../disk.ts'

const entrySchema = z.object({
  hostId: z.string(),
  check: z.string(),
  code: z.string(),
  reason: z.string(),
  atMs: z.number(),
})
type Entry = z.infer<typeof entrySchema>
const fileSchema = z.object({ ignored: z.array(entrySchema) })

/** What a finding is known by. */
export type FindingName = Pick<Entry, 'hostId' | 'check' | 'code'>

export interface Ignored {
  /** The findings, each ignored one with its reason and date. */
  mark(clusterId: string, findings: readonly Finding[]): Promise<readonly Finding[]>
  /** `reason-needed` without a reason. */
  ignore(clusterId: string, name: FindingName, reason: string): Promise<Result<null>>
  /** Shows it as a warning again. */
  heed(clusterId: string, name: FindingName): Promise<Result<null>>
}

function same(a: FindingName, b: FindingName): boolean {
  return a.hostId === b.hostId && a.check === b.check && a.code === b.code
}

/** Opens what was decided, in `dataDir`. */
export function openIgnored(dataDir: string, now: () => number): Ignored {
  const fileOf = (clusterId: string): string => jsonFile(join(dataDir, 'ignored'), clusterId)

  async function entriesOf(clusterId: string): Promise<readonly Entry[]> {
    const read = await readJson(fileOf(clusterId), fileSchema)
    return read.ok ? (read.value?.ignored ?? []) : []
  }

  return {
    async mark(clusterId, findings) {
      const entries = await entriesOf(clusterId)
      return findings.map((finding): Finding => {
        if (finding.problem.severity === 'block') return finding
        const name = { hostId: finding.hostId, check: finding.check, code: finding.problem.code }
        const entry = entries.find((each) => same(each, name))
        return entry ? { ...finding, ignored: { reason: entry.reason, atMs: entry.atMs } } : finding
      })
    },
    async ignore(clusterId, { hostId, check, code }, reason) {
      if (reason.trim() === '') return failed(problem('reason-needed'))
      const name = { hostId, check, code }
      const others = (await entriesOf(clusterId)).filter((each) => !same(each, name))
      return writeJson(fileOf(clusterId), { ignored: [...others, { ...name, reason: reason.trim(), atMs: now() }] })
    },
    async heed(clusterId, name) {
      const entries = await entriesOf(clusterId)
      const left = entries.filter((each) => !same(each, name))
      return left.length === entries.length ? ok(null) : writeJson(fileOf(clusterId), { ignored: left })
    },
  }
}
