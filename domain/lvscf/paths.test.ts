/** `# shoal: heartbeat_paths`: any number of heartbeat paths beside public and private. */
import { expect, it } from 'vitest'
import { heartbeatPairs } from '../heartbeat-paths.ts'
import { check } from './check.ts'

const serves = `network = direct
virtual web {
active = 1
address = 192.0.2.9 eth0:1
server one {
address = 192.0.2.3
active = 1
weight = 1
}
}
`
const directors = 'primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\n'
const privates = 'primary_private = 10.7.0.1\nbackup_private = 10.7.0.2\n'

const pathsOf = (text: string): readonly string[] => {
  const { config, problems } = check(text)
  if (!config) throw new Error(problems.map(({ code }) => code).join(', '))
  return heartbeatPairs(config).map(({ name, primary, backup }) => `${name} ${primary} ${backup}`)
}

it('they come after those that lvs.cf has words for, IPv4 and IPv6', () => {
  const more = '# shoal: heartbeat_paths = 10.8.0.1 10.8.0.2,  FD00:0::1\tfd00::2\n'
  expect(pathsOf(directors + privates + more + serves)).toEqual([
    'public 192.0.2.1 192.0.2.2',
    'private 10.7.0.1 10.7.0.2',
    'path3 10.8.0.1 10.8.0.2',
    'path4 fd00::1 fd00::2',
  ])
  expect(pathsOf(directors + more + serves)).toEqual([
    'public 192.0.2.1 192.0.2.2',
    'path3 10.8.0.1 10.8.0.2',
    'path4 fd00::1 fd00::2',
  ])
  expect(pathsOf(directors + serves)).toEqual(['public 192.0.2.1 192.0.2.2'])
  expect(pathsOf(`primary = 192.0.2.1\n${more}${serves}`)).toEqual([])
})

it.each([
  '10.8.0.1',
  '10.8.0.1 10.8.0.2 10.8.0.3',
  '10.8.0.1 10.8.0.1',
  '10.8.0.1 fd00::2',
  '10.8.0.1 10.8.0.300',
  '0.0.0.0 10.8.0.2',
  ':: fd00::2',
  'one two',
  '192.0.2.1 10.8.0.2',
  '10.8.0.1 10.7.0.2',
  '10.8.0.1 10.8.0.2,',
  '10.8.0.1 10.8.0.2, 10.8.0.1 10.8.0.4',
])('what is no path of its own is a problem at its line: %s', (value) => {
  const { config, problems } = check(`${directors}${privates}# shoal: heartbeat_paths = ${value}\n${serves}`)
  expect(config).toBeUndefined()
  expect(problems.filter(({ severity }) => severity === 'block')).toMatchObject([
    { code: 'lvscf-heartbeat-path', where: { kind: 'text', line: 6 } },
  ])
})
