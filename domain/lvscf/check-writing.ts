/** A chosen check as the directives that say it: the way back from check-reading.ts. What is the default is not written. */
import type { CheckPlace, ChosenQuestion } from '../checks.ts'
import { commandLine, statusText, usualStatus } from '../checks.ts'
import type { Setting } from './draft.ts'

/** Directives of a kind, without `check` itself, by name. */
function wordsOf(question: ChosenQuestion): Readonly<Record<string, string | undefined>> {
  switch (question.kind) {
    case 'http':
    case 'https': {
      const status = statusText(question.status)
      return {
        check_path: question.path === '/' ? undefined : question.path,
        check_host: question.host,
        check_method: question.method === 'GET' ? undefined : question.method,
        check_status: status === statusText(usualStatus) ? undefined : status,
        check_body: question.body,
        check_body_regex: question.bodyRegex,
        ...(question.kind === 'https'
          ? { check_verify: question.verify ? 'on' : undefined, check_cert_days: String(question.certDays) }
          : {}),
      }
    }
    case 'dns':
      return {
        check_name: question.name === '.' ? undefined : question.name,
        check_record: question.record === (question.name === '.' ? 'NS' : 'A') ? undefined : question.record,
        check_answer: question.answer,
      }
    case 'smtp':
      return { check_host: question.host }
    case 'mysql':
    case 'postgresql':
      return { check_user: question.user }
    case 'script':
      return { check_script: commandLine(question.words) }
    case 'udp':
    case 'ping':
    case 'ldap':
    case 'redis':
      return {}
  }
}

/** The directives of a chosen check. What a `udp` check sends and expects stands in Piranha's own directives. */
export function chosenSettings(question: ChosenQuestion, place: CheckPlace = {}): readonly Setting[] {
  const words = {
    check: question.kind,
    check_port: place.port === undefined ? undefined : String(place.port),
    check_via: place.viaVip ? 'vip' : undefined,
    ...wordsOf(question),
  }
  return Object.entries(words).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, shoal: true as const }],
  )
}
