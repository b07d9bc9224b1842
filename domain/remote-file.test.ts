import { describe, expect, test } from 'vitest'
import { isRemoteName, readRemoteName, remoteName } from './remote-file.ts'

describe('a file on a host', () => {
  test.each([
    ['ssh://root@10.0.0.2/etc/sysconfig/ha/lvs.cf', 'root', '10.0.0.2', 22, '/etc/sysconfig/ha/lvs.cf'],
    ['ssh://ops%40corp@lvs1.example:2222/tmp/a%20b c', 'ops@corp', 'lvs1.example', 2222, '/tmp/a%20b c'],
    ['ssh://root@[2001:db8::1]:2200/lvs.cf', 'root', '2001:db8::1', 2200, '/lvs.cf'],
  ])('%s', (name, user, address, port, path) => {
    expect(readRemoteName(name)).toEqual({ user, address, port, path })
    expect(remoteName({ user, address, port, path })).toBe(name)
  })
  test('without user and port it is root at 22', () => {
    expect(readRemoteName('ssh://lvs1/lvs.cf')).toEqual({ user: 'root', address: 'lvs1', port: 22, path: '/lvs.cf' })
  })
  test.each([
    'ssh://',
    'ssh://host',
    'ssh://host/',
    'ssh://a b/lvs.cf',
    'ssh://h:0/x',
    'ssh://h:70000/x',
    'ssh://%E0@h/x',
  ])('%s names none', (name) => {
    expect(isRemoteName(name)).toBe(true)
    expect(readRemoteName(name)).toBeUndefined()
  })
  test('nor does a path of this machine', () => {
    expect(isRemoteName('/etc/ssh/lvs.cf')).toBe(false)
    expect(readRemoteName('/etc/lvs.cf')).toBeUndefined()
    expect(readRemoteName('ssh://h/a\nb')).toBeUndefined()
  })
})
