/** Checks in the wizard: every kind becomes an lvs.cf that means it and that Piranha takes, comes back from there, and its faults are found. */
import { describe, expect, it } from 'vitest'
import { adopt } from './adopt.ts'
import { draftCheckOf, kindsFor, questionOf, trialOf, usualCheck } from './cluster-check.ts'
import { checkDraft, draftLvscf, newClusterDraft, newRealServer } from './cluster-lvscf.ts'
import type { ClusterDraft, ServiceDraft } from './cluster.ts'
import { check } from './lvscf/check.ts'
import { piranhaRefusal } from './lvscf/piranha.ts'
import { servicesOf } from './service-templates.ts'

type CheckDraft = ServiceDraft['check']

function draftWith(asked: Partial<CheckDraft>, protocol: ServiceDraft['protocol'] = 'tcp'): ClusterDraft {
  const draft = newClusterDraft('c')
  const [first, second] = draft.directors
  const [service] = draft.services
  if (!service) throw new Error('no service')
  return {
    ...draft,
    name: 'shop',
    directors: [
      { ...first, name: 'lvs1', address: '192.0.2.1' },
      { ...second, name: 'lvs2', address: '192.0.2.2' },
    ],
    virtualIp: { address: '192.0.2.9', device: 'eth0', prefix: '24' },
    services: [{ ...service, protocol, port: '8080', check: { ...usualCheck, ...asked } }],
    realServers: [{ ...newRealServer(1), name: 'rs1', address: '192.0.2.11' }],
  }
}

const kinds = [...new Set([...kindsFor('tcp'), ...kindsFor('udp')])]
const filled: Partial<CheckDraft> = {
  path: '/health',
  host: 'www.example.com',
  status: '200-299',
  body: 'all "well"',
  name: 'www.example.com',
  user: 'monitor',
  script: '/usr/local/bin/check %h "two words"',
  viaVip: true,
}

describe.each(kinds)('%s', (kind) => {
  const protocol = kindsFor('tcp').includes(kind) ? 'tcp' : 'udp'

  it.each([{}, filled])('becomes a sound file that asks it, and Piranha takes: %j', (more) => {
    const draft = draftWith({ kind, ...more }, protocol)
    expect(checkDraft(draft).filter(({ where }) => where?.kind === 'field' && where.path.includes('check'))).toEqual(
      kind === 'script' && !more.script ? [expect.objectContaining({ code: 'field-empty' })] : [],
    )
    if (kind === 'script' && !more.script) return
    const text = draftLvscf(draft)
    const { config, problems } = check(text)
    expect(problems.filter(({ code }) => code.startsWith('check-'))).toEqual([])
    const asked = config?.virtualServers[0]?.check
    const wanted = questionOf(draft.services[0]?.check ?? usualCheck)
    // A datagram is sent as Piranha's own directives say.
    expect(asked).toMatchObject(kind === 'udp' ? { kind } : (wanted ?? { kind }))
    expect(asked?.viaVip).toBe(more.viaVip)
    expect(piranhaRefusal(text)).toBeUndefined()
  })

  it('comes back from the file', () => {
    const given = draftWith({ kind, ...filled }, protocol).services[0]?.check ?? usualCheck
    const { config } = check(draftLvscf(draftWith({ kind, ...filled }, protocol)))
    const asked = config?.virtualServers[0]?.check
    if (!asked || kind === 'connect' || kind === 'send-expect' || kind === 'udp') return
    const back = { ...usualCheck, ...draftCheckOf(asked) }
    expect(questionOf(back)).toEqual(questionOf(given))
  })
})

it('a plain connection is one on the web port too, where Piranha would ask for a page', () => {
  const draft = draftWith({ kind: 'connect' })
  const web = { ...draft, services: draft.services.map((service) => ({ ...service, port: '80' })) }
  expect(check(draftLvscf(web)).config?.virtualServers[0]?.check.kind).toBe('connect')
  expect(draftLvscf(draft)).not.toContain('check = connect')
})

it.each<[Partial<CheckDraft>, string]>([
  [{ kind: 'http', path: 'health' }, 'path check-path-malformed'],
  [{ kind: 'https', host: 'a b' }, 'host check-host-malformed'],
  [{ kind: 'http', status: '2xx' }, 'status check-status-malformed'],
  [{ kind: 'dns', name: 'a..b' }, 'name check-name-malformed'],
  [{ kind: 'mysql', user: '' }, 'user check-user-malformed'],
  [{ kind: 'script', script: 'check' }, 'script check-script-not-absolute'],
  [{ kind: 'script', script: '/bin/check "x' }, 'script check-script-quote'],
  [{ kind: 'udp' }, 'kind tcp-needs-tcp'],
])('%j: %s', (asked, said) => {
  const found = checkDraft(draftWith(asked)).flatMap(({ code, where }) =>
    where?.kind === 'field' && where.path.includes('.check.') ? [`${where.path.split('.').at(-1)} ${code}`] : [],
  )
  expect(found).toEqual([said])
})

it('a UDP service is not asked in a language that needs TCP', () => {
  const found = checkDraft(draftWith({ kind: 'https' }, 'udp')).map(({ code }) => code)
  expect(found).toContain('udp-needs-connect')
})

it('with address translation the virtual IP is not asked for on the real servers', () => {
  const draft = { ...draftWith({ kind: 'http', viaVip: true }), forwarding: 'nat' as const }
  expect(draftLvscf(draft)).not.toContain('check_via')
})

it('the templates ask each service in its own language', () => {
  const of = (template: Parameters<typeof servicesOf>[0]): string[] =>
    servicesOf(template, []).map(({ port, check: asked }) => `${port} ${asked.kind}`)
  expect(of('web-sticky')).toEqual(['80 http', '443 https'])
  expect(of('mail')).toEqual(['25 smtp', '993 connect'])
  expect(of('dns')).toEqual(['53 dns', '53 dns'])
  expect(of('database')).toEqual(['3306 mysql'])
})

it('a page is tried with its status before an agent is there', () => {
  expect(trialOf({ ...usualCheck, kind: 'http', path: '/up', host: 'a.example', status: '200' })).toEqual({
    send: 'GET /up HTTP/1.0\\r\\nHost: a.example\\r\\n\\r\\n',
    expect: 'HTTP',
    status: '200',
  })
  expect(trialOf({ ...usualCheck, kind: 'smtp' })).toEqual({ send: '', expect: '220' })
})

it('an adopted cluster keeps its checks', () => {
  const draft = draftWith({ kind: 'https', path: '/up' })
  const { config } = check(draftLvscf(draft))
  if (!config) throw new Error('no config')
  const adopted = adopt('a', 'shop', config, draft.directors)
  expect(adopted.draft.services[0]?.check).toMatchObject({ kind: 'https', path: '/up' })
  expect(adopted.left.map(({ code }) => code)).not.toContain('adopt-check')
})
