/**
 * Analyses large files beside the window, so that typing never waits for it. Before the first question it reads a file of its own a few
 * times: the first 10,000 real servers then take half as long. Answers carry the number of the question.
 */
import { analyse } from '../../domain/lvscf/analysis.ts'
import { hold } from '../../domain/lvscf/document-text.ts'
import { newDocument } from '../../domain/lvscf/draft.ts'
import type { BlockDraft, ServerDraft, Setting } from '../../domain/lvscf/draft.ts'
import { pack } from './analysis-message.ts'
import type { Answered, Question } from './analysis-message.ts'

const rehearsals = 6
const rehearsedBlocks = 20
const rehearsedServers = 100

let isAsked = false

function numbered<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at))
}
function settings(values: Readonly<Record<string, string>>): Setting[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}

/** A file as they are, with a mistake here and there. */
function rehearsal(): string {
  const server = (block: number, at: number): ServerDraft => ({
    name: `server${at}`,
    settings: settings({ address: `10.0.${block}.${at}`, active: '1', weight: at % 50 === 7 ? '010' : '1' }),
  })
  const block = (at: number): BlockDraft => ({
    kind: 'virtual',
    name: `service${at}`,
    settings: settings({
      active: '1',
      address: `192.0.2.${at} eth0:${at}`,
      vip_nmask: '255.255.255.255',
      port: '80',
      send: 'GET / HTTP/1.0\\r\\n\\r\\n',
      expect: 'HTTP',
      scheduler: at % 10 === 3 ? 'none' : 'wlc',
      protocol: 'tcp',
      timeout: '6',
      reentry: '15',
    }),
    servers: numbered(rehearsedServers, (place) => server(at, place)),
  })
  const global = settings({ primary: '192.0.2.200', service: 'lvs', keepalive: '6', deadtime: '18', network: 'direct' })
  return newDocument({ settings: global, blocks: numbered(rehearsedBlocks, block) })
}

const text = hold(rehearsal())
/** One reading at a time, so that a question never waits for more than one. */
function rehearse(left: number): void {
  if (isAsked || left === 0) return
  pack(analyse(text))
  setTimeout(() => rehearse(left - 1))
}
setTimeout(() => rehearse(rehearsals))

self.onmessage = (message: MessageEvent<Question>) => {
  isAsked = true
  const { number, held } = message.data
  const { packed, given } = pack(analyse(held))
  const answered: Answered = { number, packed }
  self.postMessage(answered, { transfer: given })
}
