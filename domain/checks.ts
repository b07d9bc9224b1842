/**
 * How real servers are checked: what is asked of them, and how often. Piranha's own kinds are `connect`, `send-expect` and `program`;
 * the others are chosen by `# shoal: check = …`. One sentence per kind (`sayQuestion`) is what command line and comparison show.
 */

/** Status codes from first to last, both included. */
export type StatusRange = readonly [from: number, to: number]

/** Piranha's own kinds. Texts are the bytes meant, escapes already translated; `expect` being `*` alone accepts any answer. */
export interface PiranhaQuestion {
  readonly kind: 'connect' | 'send-expect' | 'program'
  readonly send?: string
  readonly expect?: string
  /** `expect` is an expression (expression.ts), not the beginning of the answer. */
  readonly regex: boolean
  /** The command line of `send_program`, `%h` and `%p` still in it. */
  readonly program?: string
}

interface WebQuestion {
  readonly path: string
  /** Host header, and the name asked for in TLS; absent: the address. */
  readonly host?: string
  readonly method: 'GET' | 'HEAD'
  readonly status: readonly StatusRange[]
  /** The body must contain this. */
  readonly body?: string
  /** The body must match this expression. */
  readonly bodyRegex?: string
}

/** Record types a DNS check may ask for. */
export const dnsRecords = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const
export type DnsRecord = (typeof dnsRecords)[number]

export type Question =
  | PiranhaQuestion
  | ({ readonly kind: 'http' } & WebQuestion)
  | ({
      readonly kind: 'https'
      /** The certificate must be valid for the host and signed by somebody the director trusts. */
      readonly verify: boolean
      /** Warn when the certificate ends within so many days; 0 = never. */
      readonly certDays: number
    } & WebQuestion)
  | { readonly kind: 'dns'; readonly name: string; readonly record: DnsRecord; readonly answer?: string }
  | { readonly kind: 'smtp'; readonly host?: string }
  /** A datagram; an answer is compared when one is expected, and a refusal (ICMP port unreachable) is a failure in any case. */
  | { readonly kind: 'udp'; readonly send?: string; readonly expect?: string; readonly regex: boolean }
  | { readonly kind: 'ping' }
  | { readonly kind: 'ldap' }
  | { readonly kind: 'redis' }
  | { readonly kind: 'mysql'; readonly user: string }
  | { readonly kind: 'postgresql'; readonly user: string }
  /** Exit status 0 is a success; the words may hold `%h` and `%p`. There is no shell. */
  | { readonly kind: 'script'; readonly words: readonly string[] }

export type CheckKind = Question['kind']

/** Kinds that only `# shoal: check` has a word for. */
export type ChosenQuestion = Exclude<Question, PiranhaQuestion>

/** Whether Piranha's own directives say what is asked. */
export function isPiranhas<T extends object>(check: Question & T): check is PiranhaQuestion & T {
  return check.kind === 'connect' || check.kind === 'send-expect' || check.kind === 'program'
}

/** Whether Piranha asks for a web page when neither send nor expect is said (lvsd gives nanny both on port 80); else it only connects. */
export function asksForPage({ protocol, port }: { readonly protocol: string; readonly port: number }): boolean {
  return protocol === 'tcp' && port === 80
}

/** The kinds that `# shoal: check = …` chooses from. */
export const chosenKinds = [
  'connect',
  'http',
  'https',
  'dns',
  'smtp',
  'udp',
  'ping',
  'ldap',
  'mysql',
  'postgresql',
  'redis',
  'script',
] as const satisfies readonly CheckKind[]

export interface CheckTiming {
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Successes needed to come back after a failure; failures needed to go. */
  readonly rise: number
  readonly fall: number
}

export interface CheckPlace {
  /** Checked at this port instead of the real server's own. */
  readonly port?: number
  /** The virtual IP is asked for through this real server too, the way the packets of clients go (DR and TUN). */
  readonly viaVip?: true
}

export type Check = Question & CheckTiming & CheckPlace

/** Status codes that count as an answer when nothing else is said: keepalived and ldirectord agree on these. */
export const usualStatus: readonly StatusRange[] = [[200, 399]]

/** `200-299,404`; undefined when it is no list of status codes. */
export function statusRanges(text: string): readonly StatusRange[] | undefined {
  const ranges: StatusRange[] = []
  for (const word of text.split(/[\s,]+/)) {
    const match = /^([1-9]\d\d)(?:-([1-9]\d\d))?$/.exec(word)
    if (!match) return undefined
    const from = Number(match[1])
    const to = Number(match[2] ?? match[1])
    if (to < from) return undefined
    ranges.push([from, to])
  }
  return ranges
}

/** The text of status codes as `statusRanges` reads it. */
export function statusText(ranges: readonly StatusRange[]): string {
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',')
}

/** The words of a command line, split at blanks outside of quotes; undefined when a quote is not closed. */
export function commandWords(line: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (const char of line) {
    if (quote) {
      if (char === quote) quote = ''
      else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (quote) return undefined
  if (word !== undefined) words.push(word)
  return words
}

/** A command line whose words are these. */
export function commandLine(words: readonly string[]): string {
  return words
    .map((word) => (/^[^\s"']+$/.test(word) ? word : word.includes('"') ? `'${word}'` : `"${word}"`))
    .join(' ')
}

function expected(check: { readonly expect?: string; readonly regex: boolean }): string {
  return check.expect === undefined ? '' : ` expect ${check.regex ? 'regex ' : ''}${JSON.stringify(check.expect)}`
}

function sending(check: { readonly send?: string; readonly expect?: string; readonly regex: boolean }): string {
  return `${check.send === undefined ? '' : `send ${JSON.stringify(check.send)}`}${expected(check)}`.trim()
}

function web(check: WebQuestion): string {
  return [
    `${check.method} ${check.path}`,
    ...(check.host === undefined ? [] : [`host ${check.host}`]),
    `status ${statusText(check.status)}`,
    ...(check.body === undefined ? [] : [`body ${JSON.stringify(check.body)}`]),
    ...(check.bodyRegex === undefined ? [] : [`body regex ${JSON.stringify(check.bodyRegex)}`]),
  ].join(' ')
}

/** What is asked, in short and the same in every language. */
export function sayQuestion(check: Question): string {
  switch (check.kind) {
    case 'connect':
    case 'ping':
    case 'ldap':
    case 'redis':
      return check.kind
    case 'send-expect':
      return sending(check)
    case 'program':
      return `program ${check.program ?? ''}${expected(check)}`
    case 'http':
      return `http ${web(check)}`
    case 'https':
      return `https ${web(check)}${check.verify ? ', certificate verified' : ''}${check.certDays > 0 ? `, warning ${check.certDays} days before it ends` : ''}`
    case 'dns':
      return `dns ${check.record} ${check.name}${check.answer === undefined ? '' : ` = ${check.answer}`}`
    case 'smtp':
      return `smtp${check.host === undefined ? '' : ` as ${check.host}`}`
    case 'udp':
      return `udp ${sending(check)}`.trim()
    case 'mysql':
    case 'postgresql':
      return `${check.kind} as ${check.user}`
    case 'script':
      return `script ${commandLine(check.words)}`
  }
}

/** What is asked and where, where that is not the real server's own port. */
export function sayCheck(check: Question & CheckPlace): string {
  const port = check.port === undefined ? '' : ` on port ${check.port}`
  return `${sayQuestion(check)}${port}${check.viaVip ? ', and through it to the virtual IP' : ''}`
}
