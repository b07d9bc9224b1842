/**
 * Addresses and announcements on a real kernel: a network namespace of its own with a cable to a second one, so that a neighbour's
 * table can be asked what it has learnt. Needs root.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const native = path.join(root, 'node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node')
const able = process.getuid?.() === 0 && process.platform === 'linux' && process.arch === 'x64'
if (!able)
  console.warn(
    '!!! addresses.test.ts does not run here: it needs root on Linux x64 (nothing about real addresses is proven)',
  )

/** Runs a module text in a fresh network namespace whose `east` is cabled to `west` in another; gives what it printed as JSON. */
async function inNamespace(script: string): Promise<unknown> {
  const folder = mkdtempSync(path.join(tmpdir(), 'shoal-addresses-'))
  cpSync(native, path.join(folder, `koffi-linux-${process.arch}.node`))
  const set = `
    ip link set lo up
    unshare -n sleep 60 & other=$!
    sleep 0.2
    ip link add east type veth peer name west
    ip link set west netns $other
    ip link set east up; ip addr add 10.1.0.1/24 dev east
    nsenter -t $other -n sh -c 'ip link set lo up; ip link set west up; ip addr add 10.1.0.2/24 dev west; sysctl -qw net.ipv6.conf.west.accept_dad=0'
    nsenter -t $other -n ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:99 dev west nud reachable
    OTHER=$other FOLDER=${folder} ${process.execPath} --import tsx --input-type=module -e "$SCRIPT"
    kill $other
  `
  const imports = `
    import { openKernel } from '${root}agent/effects/kernel.ts'
    import { openAddresses } from '${root}agent/effects/addresses.ts'
    import { execFileSync } from 'node:child_process'
    const opened = openKernel(process.env.FOLDER)
    if ('missing' in opened) throw new Error(opened.missing)
    const kernel = opened.kernel
    const west = (...args) => execFileSync('nsenter', ['-t', process.env.OTHER, '-n', 'ip', ...args]).toString()
    const tell = (x) => console.log(JSON.stringify(x))
    const wait = (ms) => new Promise((r) => setTimeout(r, ms))
    const held = process.env.FOLDER + '/held'
  `
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['-n', '--kill-child', '--fork', '--pid', '--mount-proc', 'sh', '-c', set], {
      env: { ...process.env, SCRIPT: imports + script },
      cwd: root,
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (d: Buffer) => (out += d.toString()))
    child.stderr.on('data', (d: Buffer) => (err += d.toString()))
    child.on('close', () => {
      try {
        resolve(JSON.parse(out))
      } catch {
        reject(new Error(`${out}\n${err}`))
      }
    })
  })
}

it.skipIf(!able)('an address is added with label and prefix, seen, removed; a repetition is a success', async () => {
  const seen = await inNamespace(`
    const a = openAddresses(kernel, held, [])
    const add = { do: 'add', address: '10.1.0.9', prefix: 24, device: 'east', label: 'east:1' }
    const first = await a.change([add])
    const again = await a.change([add])
    const there = (await a.look()).addresses.find((x) => x.address === '10.1.0.9')
    const { readFileSync } = await import('node:fs')
    const file = readFileSync(held, 'utf8')
    const out = await a.change([{ ...add, do: 'remove' }])
    const gone = await a.change([{ ...add, do: 'remove' }])
    const fileAfter = readFileSync(held, 'utf8')
    await a.reserve([{ address: '10.1.0.9', prefix: 24, device: 'east:1' }])
    await a.change([add])
    await a.change([{ ...add, do: 'remove' }])
    const reserved = readFileSync(held, 'utf8')
    await a.reserve([])
    const freed = readFileSync(held, 'utf8')
    const nowhere = await a.change([{ ...add, device: 'north', label: 'north' }])
    const links = (await a.look()).links
    tell({ first: first[0].failed, again: again[0].failed, there, file, out: out[0].failed, gone: gone[0].failed, nowhere: nowhere[0].failed,
      after: (await a.look()).addresses.filter((x) => x.address === '10.1.0.9').length, fileAfter, reserved, freed, links })
  `)
  expect(seen).toEqual({
    there: { address: '10.1.0.9', prefix: 24, device: 'east', label: 'east:1' },
    file: '10.1.0.9/24 east\n',
    nowhere: 'there is no interface north',
    after: 0,
    fileAfter: '',
    reserved: '10.1.0.9/24 east\n',
    freed: '',
    links: expect.arrayContaining([expect.objectContaining({ device: 'east', up: true })]),
  })
})

it.skipIf(!able)('after an announcement the neighbour has learnt the new hardware address, IPv4 and IPv6', async () => {
  const seen = (await inNamespace(`
    const a = openAddresses(kernel, held, [])
    const before = west('neigh', 'show', '10.1.0.9')
    await a.change([
      { do: 'add', address: '10.1.0.9', prefix: 24, device: 'east', label: 'east:1' },
      { do: 'add', address: 'fd00:1::9', prefix: 64, device: 'east', label: 'east' },
    ])
    west('addr', 'add', 'fd00:1::2/64', 'dev', 'west', 'nodad')
    west('neigh', 'add', 'fd00:1::9', 'lladdr', '02:00:00:00:00:99', 'dev', 'west', 'nud', 'reachable')
    await wait(2500)
    const from = performance.now()
    const failures = await a.announce([{ address: '10.1.0.9', device: 'east:1' }, { address: 'fd00:1::9', device: 'east' }], 3)
    const tookMs = performance.now() - from
    await wait(50)
    const mac = kernel.link('east').mac.toString('hex').match(/../g).join(':')
    const bad = await a.announce([{ address: '10.1.0.9', device: 'north' }], 1)
    tell({ before, after: west('neigh', 'show', '10.1.0.9'), after6: west('-6', 'neigh', 'show', 'fd00:1::9'), mac, failures, tookMs, bad })
  `)) as {
    before: string
    after: string
    after6: string
    mac: string
    failures: string[]
    tookMs: number
    bad: string[]
  }
  expect(seen.failures).toEqual([])
  expect(seen.before).toContain('02:00:00:00:00:99')
  expect(seen.after).toContain(seen.mac)
  expect(seen.after6).toContain(seen.mac)
  // Piranha's send_arp sleeps a second and a half.
  expect(seen.tookMs).toBeLessThan(1_000)
  expect(seen.bad).toEqual(['10.1.0.9: north has no hardware address'])
})

it.skipIf(!able)(
  'an IPv6 address is announced in the moment it is added: there is no duplicate address detection',
  async () => {
    const seen = (await inNamespace(`
    const a = openAddresses(kernel, held, [])
    west('addr', 'add', 'fd00:1::2/64', 'dev', 'west', 'nodad')
    west('neigh', 'add', 'fd00:1::9', 'lladdr', '02:00:00:00:00:99', 'dev', 'west', 'nud', 'reachable')
    const [added] = await a.change([{ do: 'add', address: 'fd00:1::9', prefix: 64, device: 'east', label: 'east' }])
    const failures = await a.announce([{ address: 'fd00:1::9', device: 'east' }], 1)
    const shown = execFileSync('ip', ['-6', 'addr', 'show', 'dev', 'east', 'to', 'fd00:1::9']).toString()
    execFileSync('ip', ['addr', 'add', 'fd00:1::1/64', 'dev', 'east', 'nodad'])
    const [again] = await a.change([{ do: 'add', address: 'fd00:1::9', prefix: 64, device: 'east', label: 'east' }])
    const from = execFileSync('ip', ['-6', 'route', 'get', 'fd00:1::2']).toString()
    await wait(50)
    const mac = kernel.link('east').mac.toString('hex').match(/../g).join(':')
    // The kernel is late now and then only.
    let here = true
    for (let n = 16; n < 56; n++) {
      const address = 'fd00:1::' + n.toString(16)
      await a.change([{ do: 'add', address, prefix: 64, device: 'east', label: 'east' }])
      here &&= kernel.route(address)?.here === true
    }
    tell({ added: added.failed ?? null, again: again.failed ?? null, here, from, failures, shown, after: west('-6', 'neigh', 'show', 'fd00:1::9'), mac })
  `)) as {
      added: string | null
      again: string | null
      here: boolean
      from: string
      failures: string[]
      shown: string
      after: string
      mac: string
    }
    expect(seen.added).toBeNull()
    expect(seen.failures).toEqual([])
    expect(seen.here).toBe(true)
    expect(seen.shown).toContain('nodad')
    expect(seen.shown).not.toContain('tentative')
    // What the director sends by itself does not come from the virtual IP, also when that was added last.
    expect(seen.again).toBeNull()
    expect(seen.from).toContain('src fd00:1::1 ')
    expect(seen.after).toContain(seen.mac)
  },
)

it.skipIf(!able)(
  'a neighbour answers when it is asked, also from a virtual IP, and then holds our hardware address',
  async () => {
    const seen = (await inNamespace(`
    const a = openAddresses(kernel, held, [])
    const heard = []
    await a.change([{ do: 'add', address: '10.1.0.9', prefix: 24, device: 'east', label: 'east:1' }])
    const before = west('neigh', 'show', '10.1.0.9')
    const asked = [
      a.ask('east', '10.1.0.1', ['10.1.0.2', '10.1.0.77'], (answer) => heard.push(answer)),
      a.ask('east', '10.1.0.9', ['10.1.0.2'], (answer) => heard.push(answer)),
      a.ask('north', '10.1.0.1', ['10.1.0.2'], (answer) => heard.push(answer)),
    ]
    await wait(150)
    const mac = kernel.link('east').mac.toString('hex').match(/../g).join(':')
    const westMac = /link.ether ([0-9a-f:]+)/.exec(west('link', 'show', 'west'))[1]
    tell({ before, asked, heard: heard.filter((h) => h.to), after: west('neigh', 'show', '10.1.0.9'), mac, westMac })
  `)) as {
      before: string
      asked: boolean[]
      heard: Record<string, string>[]
      after: string
      mac: string
      westMac: string
    }
    expect(seen.asked).toEqual([true, true, false])
    expect(seen.before).toContain('02:00:00:00:00:99')
    const answer = { device: 'east', address: '10.1.0.2', mac: seen.westMac }
    for (const to of ['10.1.0.1', '10.1.0.9']) expect(seen.heard).toContainEqual({ ...answer, to })
    expect(seen.after).toContain(seen.mac)
  },
)

it.skipIf(!able)('over IPv6, too, it answers, also a question from a virtual IP, and has learnt', async () => {
  const seen = (await inNamespace(`
    const a = openAddresses(kernel, held, [])
    const heard = []
    west('addr', 'add', 'fd00:1::2/64', 'dev', 'west', 'nodad')
    execFileSync('ip', ['addr', 'add', 'fd00:1::1/64', 'dev', 'east', 'nodad'])
    west('neigh', 'add', 'fd00:1::9', 'lladdr', '02:00:00:00:00:99', 'dev', 'west', 'nud', 'reachable')
    await a.change([{ do: 'add', address: 'fd00:1::9', prefix: 64, device: 'east', label: 'east' }])
    const before = west('neigh', 'show', 'fd00:1::9')
    const asked = ['fd00:1::1', 'fd00:1::9'].map((source) => a.ask('east', source, ['fd00:1::2', 'fd00:1::77'], (answer) => heard.push(answer)))
    await wait(150)
    const mac = kernel.link('east').mac.toString('hex').match(/../g).join(':')
    const westMac = /link.ether ([0-9a-f:]+)/.exec(west('link', 'show', 'west'))[1]
    tell({ before, asked, heard: heard.filter((h) => h.to), after: west('neigh', 'show', 'fd00:1::9'), mac, westMac })
  `)) as { before: string; asked: boolean[]; heard: unknown[]; after: string; mac: string; westMac: string }
  expect(seen.asked).toEqual([true, true])
  expect(seen.before).toContain('02:00:00:00:00:99')
  const answer = { device: 'east', address: 'fd00:1::2', mac: seen.westMac }
  for (const to of ['fd00:1::1', 'fd00:1::9']) expect(seen.heard).toContainEqual({ ...answer, to })
  expect(seen.after).toContain(seen.mac)
})

it.skipIf(!able)('the kernel says who the next hop is, and a link that goes down is noticed at once', async () => {
  const seen = (await inNamespace(`
    const a = openAddresses(kernel, held, [])
    const none = a.routes(['default', '10.1.0.2', '10.99.0.1'])
    execFileSync('ip', ['route', 'add', 'default', 'via', '10.1.0.2'])
    execFileSync('ip', ['route', 'add', '10.99.0.0/24', 'via', '10.1.0.7'])
    execFileSync('ip', ['addr', 'add', 'fd00:1::1/64', 'dev', 'east', 'nodad'])
    const none6 = a.routes(['default6'])
    execFileSync('ip', ['-6', 'route', 'add', 'default', 'via', 'fe80::7', 'dev', 'east'])
    const routes = a.routes(['default', '10.1.0.2', '10.99.0.1', 'default6', 'fd00:1::2', 'fd00:99::1'])
    let stirred = 0
    a.watch(() => stirred++)
    await wait(200)
    const quiet = stirred
    const from = performance.now()
    west('link', 'set', 'west', 'down')
    while (stirred === quiet && performance.now() - from < 2000) await wait(5)
    tell({ none, none6, routes, quiet, noticed: stirred > quiet, up: (await a.look()).links.find((l) => l.device === 'east').up })
    process.exit(0)
  `)) as { none: unknown; none6: unknown; routes: unknown; quiet: number; noticed: boolean; up: boolean }
  expect(seen.none).toEqual([{ to: '10.1.0.2', hop: '10.1.0.2', device: 'east' }])
  expect(seen.routes).toEqual([
    { to: 'default', hop: '10.1.0.2', device: 'east' },
    { to: '10.1.0.2', hop: '10.1.0.2', device: 'east' },
    { to: '10.99.0.1', hop: '10.1.0.7', device: 'east' },
    { to: 'default6', hop: 'fe80::7', device: 'east' },
    { to: 'fd00:1::2', hop: 'fd00:1::2', device: 'east' },
    { to: 'fd00:99::1', hop: 'fe80::7', device: 'east' },
  ])
  expect(seen.none6).toEqual([])
  expect(seen).toMatchObject({ quiet: 0, noticed: true, up: false })
})

it.skipIf(!able)('the release script takes down what is in the held file and nothing else', () => {
  const out = execFileSync(
    'unshare',
    [
      '-n',
      'sh',
      '-c',
      `ip link add br0 type bridge; ip link set br0 up; ip addr add 10.2.0.1/24 dev br0; ip addr add 10.2.0.9/24 dev br0
       d=$(mktemp -d); printf '10.2.0.9/24 br0\\n10.2.0.10/32 br0\\n' > $d/held
       SHOAL_RUN=$d sh ${root}resources/agent/release-held.sh; ip -4 -o addr show br0`,
    ],
    { encoding: 'utf8' },
  )
  expect(out).toContain('removed 10.2.0.9/24 from br0')
  expect(out).toContain('inet 10.2.0.1/24')
  expect(out).not.toContain('inet 10.2.0.9')
  expect(readFileSync(path.join(root, 'resources/agent/release-held.sh'), 'utf8')).toMatch(/^#!\/bin\/sh/)
})

/**
 * The guard of a process that does `script` in the end: how long the address was there after that, in ms, and whether the process is.
 * `holds`: when it says that it holds an address; one that it may take over stands in its file all the time.
 */
function guarded(
  script: string,
  holds: 'always' | 'never' | 'late' = 'always',
): { readonly goneMs: number; readonly runs: boolean } {
  const out = execFileSync(
    'unshare',
    [
      '-n',
      'sh',
      '-c',
      `ip link add br0 type bridge; ip link set br0 up; ip addr add 10.2.0.9/24 dev br0
       d=$(mktemp -d); echo 10.2.0.9/24 br0 > $d/held; cp ${root}resources/agent/release-held.sh $d/
       ${process.execPath} --import tsx --input-type=module -e "
         import { startGuard } from '${root}agent/effects/guard.ts'
         const { writeFileSync } = await import('node:fs')
         writeFileSync('$d/run', 'running ' + process.pid + '\\\\n')
         const guard = await startGuard('$d', '$d', console.log)
         let holds = ${holds === 'always'}
         setInterval(() => guard.alive(holds), 100)
         setTimeout(() => {
           writeFileSync('$d/at', String(Date.now() + 500))
           holds = ${holds !== 'never'}
           setTimeout(() => { ${script} }, 500)
         }, 1_500)" >/dev/null 2>&1 &
       for n in $(seq 400); do [ -s $d/at ] && break; sleep 0.05; done
       ip -4 -o addr show br0 | grep -q 10.2.0.9 || echo early
       for n in $(seq 100); do ip -4 -o addr show br0 | grep -q 10.2.0.9 || break; sleep 0.02; done
       echo $(($(date +%s%N) / 1000000 - $(cat $d/at)))
       for n in $(seq 25); do kill -0 $! 2>/dev/null || break; sleep 0.02; done
       if kill -0 $! 2>/dev/null; then echo runs; kill -9 $!; else echo over; fi`,
    ],
    { encoding: 'utf8', cwd: root },
  )
  const [ms, still] = out.trim().split('\n').slice(-2)
  expect(out).not.toContain('early')
  return { goneMs: Number(ms), runs: still === 'runs' }
}

it.skipIf(!able)('the guard acts when the agent is killed with -9', () => {
  expect(guarded("process.kill(process.pid, 'SIGKILL')").goneMs).toBeLessThan(1_000)
})

it.skipIf(!able)('the guard ends an agent that hangs, and acts', () => {
  for (const holds of ['always', 'late'] as const) {
    const { goneMs, runs } = guarded('for (;;);', holds)
    expect(goneMs).toBeLessThan(1_500)
    expect(runs).toBe(false)
  }
})

it.skipIf(!able)('the guard leaves an agent alone that stands still while it holds nothing', () => {
  const { runs } = guarded('const until = Date.now() + 1_700; while (Date.now() < until);', 'never')
  expect(runs).toBe(true)
})

it.skipIf(!able)('the guard leaves an agent alone that stands still for a moment', () => {
  const { goneMs, runs } = guarded('const until = Date.now() + 450; while (Date.now() < until);')
  expect(goneMs).toBeGreaterThan(1_400)
  expect(runs).toBe(true)
})
