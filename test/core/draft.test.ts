import { describe, expect, it } from 'vitest'
import {
  checkDraft,
  draftLvscf,
  newClusterDraft,
  newRealServer,
  newService,
  stepOfField,
} from '../../domain/cluster-lvscf.ts'
import { clusterDraftSchema } from '../../domain/cluster.ts'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { check } from '../../domain/lvscf/check.ts'
import { speak } from '../../domain/speech/speech.ts'
import { webDraft } from './material.ts'

/** The draft with one field set, by its dotted path. */
function withField(path: string, value: unknown, draft: ClusterDraft = webDraft()): ClusterDraft {
  const copy = structuredClone(draft) as unknown as Record<string, unknown>
  const parts = path.split('.')
  const last = parts.pop() ?? ''
  let at: Record<string, unknown> = copy
  for (const part of parts) at = at[part] as Record<string, unknown>
  at[last] = value
  return clusterDraftSchema.parse(copy)
}
const faults = (draft: ClusterDraft): readonly string[] =>
  checkDraft(draft).map(({ code, where }) => `${where?.kind === 'field' ? where.path : ''} ${code}`)

it('a complete draft has no fault, and its lvs.cf is sound', () => {
  expect(checkDraft(webDraft())).toEqual([])
  const { config, problems } = check(draftLvscf(webDraft()))
  expect(problems).toEqual([])
  expect(config?.heartbeat).toEqual({ port: 539, keepaliveMs: 100, deadtimeMs: 700 })
  expect(config?.virtualServers[0]?.vip).toEqual({ address: '192.168.2.27', device: 'eth0:1', prefix: 32 })
  expect(config?.virtualServers[0]?.realServers.map(({ address }) => address)).toEqual([
    '192.168.2.243',
    '192.168.2.111',
  ])
})

it('a new draft says what is to be filled in, and nothing else is wrong', () => {
  const codes = new Set(checkDraft(newClusterDraft('x')).map(({ code }) => code))
  expect(codes).toEqual(new Set(['field-empty']))
})

it('a half-typed draft still has an lvs.cf to be shown', () => {
  expect(draftLvscf(withField('virtualIp.address', '192.168.'))).toContain('address = 192.168. eth0:1')
})

describe('a field that is wrong is named with the reason', () => {
  it.each([
    ['name', '', 'name field-empty'],
    ['directors.0.address', '192.168.2.300', 'directors.0.address address-malformed'],
    ['directors.0.address', '192.168.02.3', 'directors.0.address address-malformed'],
    ['directors.0.address', '127.0.0.1', 'directors.0.address address-unusable'],
    ['directors.0.address', 'lvs1.example', 'directors.0.clusterAddress cluster-address-needed'],
    ['directors.0.address', 'a b', 'directors.0.address host-name-malformed'],
    ['directors.0.address', '$(id)', 'directors.0.address host-name-malformed'],
    ['directors.1.port', '0', 'directors.1.port port-malformed'],
    ['directors.1.port', '65536', 'directors.1.port port-malformed'],
    ['directors.1.user', 'ro ot', 'directors.1.user user-malformed'],
    ['directors.1.user', "x'; id", 'directors.1.user user-malformed'],
    ['directors.0.login.keyFile', '', 'directors.0.login.keyFile field-empty'],
    ['directors.0.privateAddress', '10.0.0.1', 'directors.1.privateAddress field-empty'],
    ['directors.1.address', '192.168.2.117', 'directors.1.address address-taken'],
    ['directors.1.name', 'lvs1', 'directors.1.name name-taken'],
    ['virtualIp.address', '192.168.2.243', 'virtualIp.address address-taken'],
    ['virtualIp.address', '10.1.1.1', 'virtualIp.address vip-outside-director-subnet'],
    ['virtualIp.device', 'eth0;id', 'virtualIp.device device-malformed'],
    ['virtualIp.device', 'averylonginterface', 'virtualIp.device device-malformed'],
    ['virtualIp.prefix', '33', 'virtualIp.prefix prefix-malformed'],
    ['services', [], 'services no-services'],
    ['services.0.port', 'http', 'services.0.port port-malformed'],
    ['services.0.scheduler', 'sed', 'services.0.scheduler scheduler-unknown'],
    ['services.0.name', 'a"b', 'services.0.name name-malformed'],
    ['services.0.persistentS', '-1', 'services.0.persistentS number-malformed'],
    ['services.0.check.intervalS', '0', 'services.0.check.intervalS number-malformed'],
    ['services.0.check.send', 'GET "/"', 'services.0.check.send check-text-malformed'],
    ['services.0.check.send', 'GET /\n', 'services.0.check.send check-text-malformed'],
    ['services.0.check.expect', 'HTTP/1\\.1', 'services.0.check.expect check-text-malformed'],
    ['services.0.check.expect', 'ends with \\', 'services.0.check.expect check-text-malformed'],
    ['services.0.check.expect', '', 'services.0.check.expect check-expect-empty'],
    ['realServers', [], 'realServers no-real-servers'],
    ['realServers.0.weight', '1.5', 'realServers.0.weight number-malformed'],
    ['failure.keepaliveMs', '1', 'failure.keepaliveMs number-malformed'],
    ['failure.deadtimeMs', '250', 'failure.deadtimeMs deadtime-too-short'],
    ['services.0.morePorts', '443', 'services.0.fwmark ports-need-mark'],
    ['services.0.fwmark', '0', 'services.0.fwmark number-malformed'],
    ['services.0.realPort', '8080', 'services.0.realPort real-port-needs-nat'],
    ['services.0.fwmark', '80', 'services.0.persistentS mark-needs-persistence'],
  ] as const)('%s = %j', (path, value, expected) => {
    expect(faults(withField(path, value))).toContain(expected)
  })
  it('an escaped backslash is a byte, not the start of a sequence', () => {
    expect(faults(withField('services.0.check.expect', 'a\\\\.b'))).toEqual([])
  })
  it('a UDP service cannot be checked by connecting', () => {
    const udp = withField('services.0.protocol', 'udp', withField('services.0.check.kind', 'connect'))
    expect(faults(udp)).toEqual(['services.0.check.kind udp-needs-connect'])
  })
  it('one port served twice', () => {
    const twice = withField('services', [newService(1), { ...newService(2), port: '80' }])
    expect(faults(twice)).toEqual(['services.1.port service-taken'])
  })
  it('a real server set up by hand needs no login', () => {
    const byHand = { ...newRealServer(1), address: '192.168.2.5', setUp: 'script' as const, user: '' }
    expect(faults(withField('realServers', [byHand]))).toEqual([])
  })
})

it('every fault is said in both languages without a gap', () => {
  for (const item of checkDraft(
    withField('services.0.port', 'x', withField('failure.deadtimeMs', '1', newClusterDraft('x'))),
  )) {
    for (const language of ['en', 'zh-CN'] as const) {
      const { says, remedy } = speak(item, language)
      expect(`${says}${remedy}`).not.toMatch(/\{|\?/)
    }
  }
})

it('a field leads to the wizard step that shows it', () => {
  expect(
    [
      'name',
      'forwarding',
      'directors.0.port',
      'virtualIp.device',
      'services.2.port',
      'realServers.0.weight',
      'failure.failback',
    ].map(stepOfField),
  ).toEqual(['topology', 'topology', 'directors', 'virtual-ip', 'services', 'real-servers', 'failure'])
})
