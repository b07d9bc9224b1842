/** Reads lvs.cf and the cluster key, and makes of them the input the centre understands. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { check } from '../../domain/lvscf/check.ts'
import type { Problem } from '../../domain/problem.ts'
import { speak } from '../../domain/speech/speech.ts'
import type { Input } from '../director/words.ts'

/** A longer file is not read. */
const maxConfigBytes = 16 * 1024 * 1024
const keyBytes = 32

export interface Read {
  readonly input: Extract<Input, { kind: 'configured' | 'misconfigured' }>
  readonly key: Buffer | null
}

/** A problem as one line with its place. */
export function problemLine(problem: Problem): string {
  const at = problem.where?.kind === 'text' ? `line ${problem.where.line}, column ${problem.where.column}: ` : ''
  return `${at}${speak(problem, 'en').says}`
}

async function readKey(file: string): Promise<Buffer | null> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const key = Buffer.from(text.trim(), 'hex')
  return key.length === keyBytes ? key : null
}

/** Reads both files anew. Never throws. */
export async function readConfiguration(lvscf: string, clusterKey: string): Promise<Read> {
  const key = await readKey(clusterKey)
  const hasKey = key !== null
  let bytes: Buffer
  try {
    bytes = await readFile(lvscf)
  } catch (error) {
    const says = `${lvscf} cannot be read: ${error instanceof Error ? error.message : String(error)}`
    return { input: { kind: 'misconfigured', says: [says], hasKey }, key }
  }
  if (bytes.length > maxConfigBytes)
    return { input: { kind: 'misconfigured', says: [`${lvscf} is longer than ${maxConfigBytes} bytes.`], hasKey }, key }
  const { config, problems } = check(bytes.toString('utf8'))
  const blocks = problems.filter((p) => p.severity === 'block').map(problemLine)
  if (!config || blocks.length > 0)
    return { input: { kind: 'misconfigured', says: blocks.length > 0 ? blocks : ['lvs.cf is not sound'], hasKey }, key }
  const digest = createHash('sha256').update(bytes).digest('hex')
  return { input: { kind: 'configured', config, digest, hasKey }, key }
}
