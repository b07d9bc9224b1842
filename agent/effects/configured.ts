/**
 * Reads lvs.cf and the cluster key, and makes of them the input the centre understands. The reading never holds up the loop: a plain
 * file is read virtual server by virtual server with pauses, only what has changed since the last time; any other file, and any
 * file with problems, is checked as a whole on a thread.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Config } from '../../domain/config.ts'
import { noPieces, readPiecewise, type Pieces } from '../../domain/lvscf/piecewise.ts'
import type { Problem } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import type { Input } from '../director/words.ts'
import { missingSchedulers } from './schedulers.ts'
import type { Verdict } from './whole-check.ts'

/** A longer file is not read: ten times 1,000 virtual servers of 10 real servers. */
export const maxConfigBytes = 32 * 1024 * 1024
const keyBytes = 32
/** The key in use and the one it replaces. */
const keysMost = 2
/** Reading pauses for the loop after this. */
const sliceMs = 5
/** So much is digested in one go. */
const digestBytes = 1024 * 1024

interface Read {
  readonly input: Extract<Input, { kind: 'configured' | 'misconfigured' }>
  /** Empty: no key, or a file that is none. */
  readonly keys: readonly Buffer[]
}

interface Sources {
  readonly lvscf: string
  readonly clusterKey: string
  /** The whole check, off the loop. */
  readonly check: (text: string) => Promise<Verdict>
}

export interface Reader {
  /** Reads both files anew. Never throws. */
  readonly read: () => Promise<Read>
}

/** A problem as one line with its place. */
export function problemLine(problem: Problem): string {
  const at = problem.where?.kind === 'text' ? `line ${problem.where.line}, column ${problem.where.column}: ` : ''
  return `${at}${speak(problem, 'en').says}`
}

/** SHA-256 of a file's bytes, in hexadecimal: what `commit` names and both directors compare. */
export async function digestOf(bytes: Buffer): Promise<string> {
  const hash = createHash('sha256')
  for (let at = 0; at < bytes.length; at += digestBytes) {
    hash.update(bytes.subarray(at, at + digestBytes))
    if (at + digestBytes < bytes.length) await nextTurn()
  }
  return hash.digest('hex')
}

/** The keys of the file, one a line: the first seals, all of them open, so that a key is replaced without a beat being refused. */
async function readKeys(file: string): Promise<readonly Buffer[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const keys = text
    .trim()
    .split('\n')
    .slice(0, keysMost)
    .map((line) => Buffer.from(line.trim(), 'hex'))
  return keys.every((key) => key.length === keyBytes) ? keys : []
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export function openReader(sources: Sources): Reader {
  let pieces: Pieces = noPieces

  async function inPieces(text: string): Promise<Config | null> {
    const reading = readPiecewise(text, pieces)
    for (let sinceMs = performance.now(); ;) {
      const next = reading.next()
      if (next.done) {
        if (next.value) pieces = next.value.pieces
        return next.value?.config ?? null
      }
      if (performance.now() - sinceMs < sliceMs) continue
      await nextTurn()
      sinceMs = performance.now()
    }
  }

  async function input(hasKey: boolean): Promise<Read['input']> {
    const refused = (...says: string[]): Read['input'] => ({ kind: 'misconfigured', says, hasKey })
    let bytes: Buffer
    try {
      bytes = await readFile(sources.lvscf)
    } catch (error) {
      return refused(`${sources.lvscf} cannot be read: ${reason(error)}`)
    }
    if (bytes.length > maxConfigBytes) return refused(`${sources.lvscf} is longer than ${maxConfigBytes} bytes.`)
    const digest = await digestOf(bytes)
    const text = bytes.toString('utf8')
    const plain = await inPieces(text)
    if (plain) return { kind: 'configured', config: plain, digest, hasKey }
    let verdict: Verdict
    try {
      verdict = await sources.check(text)
    } catch (error) {
      return refused(`${sources.lvscf} cannot be checked: ${reason(error)}`)
    }
    const blocks = verdict.problems.filter((p) => p.severity === 'block').map(problemLine)
    if (verdict.config && blocks.length === 0) return { kind: 'configured', config: verdict.config, digest, hasKey }
    return refused(...(blocks.length > 0 ? blocks : ['lvs.cf is not sound']))
  }

  return {
    async read() {
      const keys = await readKeys(sources.clusterKey)
      const found = await input(keys.length > 0)
      if (found.kind === 'misconfigured') return { input: found, keys }
      const missing = await missingSchedulers(found.config)
      return { input: missing.length > 0 ? { ...found, missing } : found, keys }
    },
  }
}
