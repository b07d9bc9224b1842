/**
 * Runs one check and says how it ended. TCP: connect, send, read until what is expected is there, cannot come any more, or time is
 * up; an answer in several packets is one answer (the original took one short read for a failure). A program runs without a shell,
 * its output is compared, and it is ended with its children at the timeout.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Check } from '../../domain/config.ts'
import type { Probe } from '../director/words.ts'

/** No more than this is read of an answer. */
const maxAnswerBytes = 64 * 1024
/** Bytes of an unexpected answer that are quoted. */
const quotedBytes = 80
/** A UDP service that says nothing is taken as there unless it is refused within this. */
const udpRefusalMs = 1_000

export interface Outcome {
  readonly passed: boolean
  readonly says?: string
}

const errorSentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while sending',
  EACCES: 'not permitted',
  EPERM: 'not permitted (a firewall rule of this host?)',
  ENOENT: 'no such program',
}

function sentenceOf(error: Error & { code?: string }): string {
  return errorSentences[error.code ?? ''] ?? error.message
}

/** POSIX bracket classes inside a bracket expression, as JavaScript has none. */
const classes: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  print: '\\x20-\\x7e',
  graph: '\\x21-\\x7e',
  cntrl: '\\x00-\\x1f\\x7f',
}

/** A POSIX extended regular expression (lvs.cf `use_regex`) as JavaScript's; throws where it is none. */
export function regexOf(source: string): RegExp {
  return new RegExp(
    source.replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole),
    's',
  )
}

/** Whether an answer is what is expected: `undefined` = more could still make it so. */
function judge(check: Check, answer: string, ended: boolean): Outcome | undefined {
  const { expect } = check
  if (expect === undefined) return { passed: true }
  const some = answer.length > 0 || ended
  if (expect === '' || (expect === '*' && !check.regex)) return some ? { passed: true } : undefined
  const full = answer.length >= maxAnswerBytes
  if (check.regex) {
    let regex: RegExp
    try {
      regex = regexOf(expect)
    } catch (error) {
      return {
        passed: false,
        says: `the regular expression cannot be used: ${error instanceof Error ? error.message : ''}`,
      }
    }
    if (regex.test(answer)) return { passed: true }
  } else {
    if (answer.startsWith(expect)) return { passed: true }
    if (answer.length >= expect.length || !expect.startsWith(answer)) return unexpected(answer, expect)
  }
  return ended || full ? unexpected(answer, expect) : undefined
}

function quote(text: string): string {
  return JSON.stringify(text.length > quotedBytes ? `${text.slice(0, quotedBytes)}…` : text)
}

function unexpected(answer: string, expected: string): Outcome {
  return {
    passed: false,
    says:
      answer === ''
        ? `closed without an answer, ${quote(expected)} was expected`
        : `answered ${quote(answer)}, ${quote(expected)} was expected`,
  }
}

function tcp(probe: Probe): Promise<Outcome> {
  const { check } = probe
  return new Promise((resolve) => {
    let answer = ''
    let done = false
    let connected = false
    const socket = connect({ host: probe.address, port: probe.port })
    const end = (outcome: Outcome): void => {
      if (done) return
      done = true
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      if (!connected) end({ passed: false, says: `no connection within ${check.timeoutMs} ms` })
      else if (answer === '') end({ passed: false, says: `no answer within ${check.timeoutMs} ms` })
      else end({ passed: false, says: `answered ${quote(answer)} and nothing more within ${check.timeoutMs} ms` })
    }, check.timeoutMs)
    socket.setEncoding('latin1')
    socket.on('connect', () => {
      connected = true
      if (check.kind === 'connect') return end({ passed: true })
      if (check.send) {
        socket.write(Buffer.from(check.send, 'latin1'), (error) => {
          if (!error && check.expect === undefined) end({ passed: true })
        })
      } else if (check.expect === undefined) end({ passed: true })
    })
    socket.on('data', (chunk: string) => {
      answer = (answer + chunk).slice(0, maxAnswerBytes)
      const outcome = judge(check, answer, false)
      if (outcome) end(outcome)
    })
    socket.on('end', () => end(judge(check, answer, true) ?? { passed: false, says: 'closed' }))
    socket.on('error', (error) => end({ passed: false, says: sentenceOf(error) }))
    socket.on('close', () => end({ passed: false, says: 'closed' }))
  })
}

function udp(probe: Probe): Promise<Outcome> {
  const { check } = probe
  return new Promise((resolve) => {
    const socket = createSocket(probe.address.includes(':') ? 'udp6' : 'udp4')
    let done = false
    const end = (outcome: Outcome): void => {
      if (done) return
      done = true
      clearTimeout(timer)
      socket.close()
      resolve(outcome)
    }
    const silentIsFine = check.kind === 'connect' || check.expect === undefined
    const timer = setTimeout(
      () => end(silentIsFine ? { passed: true } : { passed: false, says: `no answer within ${check.timeoutMs} ms` }),
      silentIsFine ? Math.min(udpRefusalMs, check.timeoutMs) : check.timeoutMs,
    )
    socket.on('error', (error) => end({ passed: false, says: sentenceOf(error) }))
    socket.on('message', (datagram) => {
      const answer = datagram.toString('latin1').slice(0, maxAnswerBytes)
      end(judge(check, answer, true) ?? { passed: true })
    })
    socket.connect(probe.port, probe.address, (error?: Error) => {
      if (error) return end({ passed: false, says: sentenceOf(error) })
      socket.send(Buffer.from(check.send ?? '', 'latin1'), (failed) => {
        if (failed) end({ passed: false, says: sentenceOf(failed) })
      })
    })
  })
}

/** Splits a command line at blanks, honouring quotes, and puts address and port in. There is no shell. */
export function programWords(line: string, address: string, port: number): string[] {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3] ?? '')
  return words.map((w) => w.replaceAll('%h', address).replaceAll('%p', String(port)))
}

function program(probe: Probe): Promise<Outcome> {
  const { check } = probe
  const [file, ...args] = programWords(check.program ?? '', probe.address, probe.port)
  if (!file) return Promise.resolve({ passed: false, says: 'the check program has no name' })
  return new Promise((resolve) => {
    let answer = ''
    let done = false
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true, cwd: '/' })
    const end = (outcome: Outcome): void => {
      if (done) return
      done = true
      clearTimeout(timer)
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It ended by itself in this moment.
      }
      end({ passed: false, says: `the program did not end within ${check.timeoutMs} ms` })
    }, check.timeoutMs)
    child.stdout.setEncoding('latin1')
    child.stdout.on('data', (chunk: string) => {
      answer = (answer + chunk).slice(0, maxAnswerBytes)
    })
    child.on('error', (error) => end({ passed: false, says: `${file}: ${sentenceOf(error)}` }))
    child.on('close', (code, signal) => {
      if (code !== 0)
        return end({
          passed: false,
          says: signal ? `the program was ended by ${signal}` : `the program ended with ${code}`,
        })
      const said = answer.replace(/\r?\n$/, '')
      const { expect } = check
      if (expect === undefined || (expect === '*' && !check.regex)) return end({ passed: true })
      if (check.regex) return end(judge(check, said, true) ?? unexpected(said, expect))
      end(said === expect ? { passed: true } : unexpected(said, expect))
    })
  })
}

/** Runs a check to its end; never rejects, never takes longer than the check's timeout. */
export function runProbe(probe: Probe): Promise<Outcome> {
  try {
    if (probe.check.kind === 'program') return program(probe)
    return probe.protocol === 'udp' ? udp(probe) : tcp(probe)
  } catch (error) {
    return Promise.resolve({ passed: false, says: error instanceof Error ? sentenceOf(error) : String(error) })
  }
}
