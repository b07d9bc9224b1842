// One host takes an address for some seconds, others ask for it: what is said of it, and that it is gone whatever happens.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { holdScript, readReach, tryAddress } from '../../core/provision/claim.ts'
import { openSecrets } from '../../core/secrets.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { newHostKey, startHost } from './ssh-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-claim-'))
const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  rmSync(folder, { recursive: true, force: true })
})

const mac = '02:00:00:00:00:01'

/** A folder of played tools: `ip` keeps one address in a file, `arping` says who answers, `ping` how many answers came. */
function played(name: string, says: { readonly arping?: string; readonly pings?: number; readonly mac?: string } = {}) {
  const bin = join(folder, name)
  mkdirSync(bin, { recursive: true })
  const tools = {
    ip: `case "$*" in
  '-4 -o addr'*show*) [ ! -s ${bin}/held ] || echo "1: eth0 inet $(cat ${bin}/held)" ;;
  'address add '*) echo "$3" >${bin}/held; echo "$3" >>${bin}/log ;;
  'address del '*) echo "gone $3" >>${bin}/log; rm -f ${bin}/held ;;
  'neigh show '*) echo '192.168.2.27 dev eth0 lladdr ${says.mac ?? mac} REACHABLE' ;;
  'neigh flush '*) : ;;
  *) exit 97 ;;
esac`,
    arping: `[ "$1" != -V ] || { echo 'arping from iputils'; exit; }
[ "$1" != -D ] || echo '${says.arping ?? ''}'`,
    ping: `echo "4 packets transmitted, ${says.pings ?? 4} received, 0% packet loss"`,
    cat: `case $1 in /sys/class/net/*) echo ${mac} ;; *) exec /bin/cat "$@" ;; esac`,
    // The guard waits longer than what it guards.
    sleep: `[ "$1" -ge 10 ] && exec /bin/sleep 5; exec /bin/sleep 0.3`,
  }
  for (const [tool, text] of Object.entries(tools)) {
    writeFileSync(join(bin, tool), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  return {
    bin,
    script: (text: string) => text.replace(/\bPATH=\/\S+/g, `PATH=${bin}:/usr/bin:/bin`),
    log: () => readFileSync(join(bin, 'log'), 'utf8').trim().split('\n'),
  }
}

async function network(tools: readonly ReturnType<typeof played>[]) {
  const secrets = openSecrets(undefined)
  mkdirSync(join(folder, '.ssh'), { recursive: true })
  let known = ''
  const drafts = []
  for (const [at, { script }] of tools.entries()) {
    const key = newHostKey()
    const host = await startHost({ password: 'x', hostKey: key.private, root: script })
    ends.push(() => host.close())
    known += `[127.0.0.1]:${host.port} ${key.public}\n`
    await secrets.keep({ address: '127.0.0.1', port: host.port, user: 'root' }, 'password', 'x')
    drafts.push({
      id: `host-${at}`,
      name: `h${at}`,
      address: '127.0.0.1',
      port: String(host.port),
      user: 'root',
      login: { kind: 'password' as const, keyFile: '' },
      clusterAddress: '',
    })
  }
  writeFileSync(join(folder, '.ssh', 'known_hosts'), known)
  const knownHosts = openKnownHosts(join(folder, 'own'), folder)
  const hosts = openHosts({ knownHosts, secret: secrets.get, uploadTag: 'test' })
  ends.push(() => {
    hosts.close()
  })
  const [holder, ...askers] = drafts
  if (!holder) throw new Error('a network has a host')
  return () => tryAddress(hosts, holder, askers, 'eth0', '192.168.2.27')
}

describe('an address that is tried', () => {
  it('is reached at the one that holds it, and given back', async () => {
    const holder = played('holder')
    const run = await network([holder, played('one'), played('two')])
    expect(await run()).toEqual({
      ok: true,
      value: {
        passed: true,
        askers: ['h1', 'h2'].map((name) => ({ name, reached: true, answer: `4 of 4, ${mac}` })),
      },
    })
    expect(holder.log()).toEqual(['192.168.2.27/32', 'gone 192.168.2.27/32'])
  })
  it('is not reached by a host whose packets are dropped', async () => {
    const run = await network([played('holder'), played('one'), played('deaf', { pings: 0 })])
    expect(await run()).toMatchObject({
      ok: true,
      value: { passed: false, askers: [{ reached: true }, { reached: false }] },
    })
  })
  it('is not touched where somebody answers for it', async () => {
    const holder = played('holder', { arping: 'Unicast reply from 192.168.2.27 [52:54:00:00:00:99] 1ms' })
    const run = await network([holder, played('one')])
    expect(await run()).toMatchObject({
      ok: false,
      problems: [{ code: 'vip-answered', detail: { mac: '52:54:00:00:00:99' } }],
    })
    expect(holder.log).toThrow()
  })
})

it('an answer from another hardware address is none, and a host that has the address itself is not counted', () => {
  expect(readReach(`@M got 4 52:54:00:00:00:99`, 'M', 'rs1', mac)).toEqual({
    name: 'rs1',
    reached: false,
    answer: '4 of 4, 52:54:00:00:00:99',
  })
  expect(readReach('@M own', 'M', 'rs1', mac)).toBeUndefined()
})

it('a script that is ended in the middle takes the address away all the same', async () => {
  const holder = played('holder')
  // The guard of the script sleeps longer than the script itself, as it does on a host.
  const sleeps = '#!/bin/sh\n[ "$1" -gt 10 ] && exec /bin/sleep 10\nexec /bin/sleep 1\n'
  writeFileSync(join(holder.bin, 'sleep'), sleeps, { mode: 0o755 })
  const child = execFile('sh', [
    '-c',
    holder.script(`export PATH=/usr/bin\n${holdScript('M', 'eth0', '192.168.2.27')}`),
  ])
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (text: string) => {
      if (text.includes('@M up')) resolve()
    })
  })
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
  expect(holder.log()).toEqual(['192.168.2.27/32', 'gone 192.168.2.27/32'])
})
