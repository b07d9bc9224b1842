/**
 * Tries a health check once, as the agent will do it: a TCP connection that starts at the director (SSH forwards it, so no tool is
 * needed there), the text sent, and what came back compared from its first byte.
 */
import type { Duplex } from 'node:stream'
import { statusRanges, usualStatus } from '../../domain/checks.ts'
import type { Answer, Args } from '../../domain/contract/app.ts'
import { isIpv4 } from '../../domain/ipv4.ts'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Hosts } from '../ssh/hosts.ts'

const answerTimeoutMs = 5_000
/** Bytes of the answer that are looked at and shown. */
const maxAnswer = 2_000

/** The bytes meant by a text of lvs.cf: nanny translates these sequences and no others. */
function translateEscapes(text: string): string {
  const meant: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t' }
  return text.replace(/\\(.)/g, (_, character: string) => meant[character] ?? character)
}

/** Whether the status line of an answer has one of these codes; undefined while it is not all there. */
function judgeStatus(answer: string, status: string): boolean | undefined {
  const code = /^HTTP\/\d\.\d (\d{3})\D/.exec(answer)?.[1]
  if (code === undefined) return answer.includes('\n') || !'HTTP/'.startsWith(answer.slice(0, 5)) ? false : undefined
  return (statusRanges(status) ?? usualStatus).some(([from, to]) => Number(code) >= from && Number(code) <= to)
}

/** Whether the answer is what is expected; undefined while more could still make it so. */
function judge(answer: string, expected: string): boolean | undefined {
  if (expected === '' || expected === '*') return answer !== '' ? true : undefined
  if (answer.startsWith(expected)) return true
  return expected.startsWith(answer) ? undefined : false
}

function converse(
  stream: Duplex,
  send: string,
  judged: (answer: string) => boolean | undefined,
): Promise<{ readonly passed: boolean; readonly answer: string }> {
  return new Promise((resolve) => {
    let answer = ''
    const finish = (passed: boolean): void => {
      clearTimeout(timer)
      stream.destroy()
      resolve({ passed, answer: answer.slice(0, maxAnswer) })
    }
    const timer = setTimeout(() => {
      finish(false)
    }, answerTimeoutMs)
    stream.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      const verdict = judged(answer)
      if (verdict !== undefined) finish(verdict)
    })
    stream.on('end', () => {
      finish(judged(answer) ?? false)
    })
    stream.on('error', () => {
      finish(false)
    })
    if (send !== '') stream.write(Buffer.from(translateEscapes(send), 'utf8'))
  })
}

/** Runs the check of a draft once from a director. An answer that is not the expected one is a result, not a problem. */
export async function tryService(
  hosts: Hosts,
  { host, address, port, send, expect, status }: Args<'hosts.check-service'>,
): Promise<Result<Answer<'hosts.check-service'>>> {
  if (!isIpv4(address)) return failed(problem('address-malformed', { value: address }))
  const session = await hosts.session(host)
  if (!session.ok) return session
  const startedAt = performance.now()
  const durationMs = (): number => Math.round(performance.now() - startedAt)
  const stream = await session.value.openTcp(address, port)
  if (!stream.ok) {
    const said = stream.problems[0]
    if (said?.code !== 'host-unreachable') return stream
    return ok({ passed: false, answer: String(said.detail?.['reason'] ?? ''), durationMs: durationMs() })
  }
  if (send === '' && expect === '') {
    stream.value.destroy()
    return ok({ passed: true, answer: '', durationMs: durationMs() })
  }
  const expected = translateEscapes(expect)
  const { passed, answer } = await converse(stream.value, send, (heard) =>
    status === undefined ? judge(heard, expected) : judgeStatus(heard, status),
  )
  return ok({ passed, answer, durationMs: durationMs() })
}
