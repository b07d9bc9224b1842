/**
 * `npm run bench -- scale-lab`: 100 virtual servers of 10 real servers each on real IPVS, Shoal and keepalived in turn on the same lab
 * hosts with the same file (keepalived's is Shoal's export of it). Every real server is asked over HTTP every 6 s. All of it is measured on
 * the active director itself: from the order to the table in /proc/net/ip_vs, processor and memory of the unit's control group.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { exportKeepalived } from '../../domain/neighbours/keepalived-export.ts'
import { directors, installAgents } from '../lab/agent-hosts.ts'
import { attach, up } from '../lab/lab.ts'
import type { Lab } from '../lab/lab.ts'
import { manyLvscf, setManyRealServers, type Size } from '../lab/many.ts'
import { labMissing } from '../lab/missing.ts'
import { keepalived, peerNames, shoal } from './failover-peers.ts'
import type { PeerName } from './failover-peers.ts'
import { agentId, forEver, keep, machine, markdown, median, whenEnded, worst } from './results.ts'

const wholeLimitMs = 120_000
const changeLimitMs = 60_000
const fileLimitMs = 60_000
const units: Readonly<Record<PeerName, string>> = { keepalived: 'keepalived', shoal: 'shoal-agent' }
const files: Readonly<Record<PeerName, string>> = {
  keepalived: '/etc/keepalived/keepalived.conf',
  shoal: '/etc/sysconfig/ha/lvs.cf',
}

interface Figures {
  readonly wholeMs: number
  readonly oneWeightMs: readonly number[]
  readonly allWeightsMs: readonly number[]
  /** Of one processor, without any change. */
  readonly processorPercent: number
  readonly memoryMb: number
}

/** The file of a peer on both directors, nothing more. */
async function putFile(lab: Lab, peer: PeerName, text: string): Promise<void> {
  const exported = peer === 'keepalived' ? exportKeepalived(text).files : []
  const textOf = (own: 'primary' | 'backup'): string =>
    peer === 'shoal' ? text : (exported.find(({ director }) => director === own || director === 'either')?.text ?? '')
  await Promise.all(
    directors.map((host, at) =>
      lab.ssh(host, `cat > ${files[peer]}`, { input: textOf(at === 0 ? 'primary' : 'backup'), timeoutMs: fileLimitMs }),
    ),
  )
}

/** Does `order` on lvs1 and waits there until so many real servers have this weight; ms, by the clock of the host. */
async function until(lab: Lab, order: string, servers: number, weight: number, limitMs: number): Promise<number> {
  const { stdout } = await lab.ssh(
    'lvs1',
    `from=$(date +%s%N); ms() { echo $((($(date +%s%N) - from) / 1000000)); }
     ${order}
     until awk -v w=${weight} '$1 == "->" && $4 == w { n++ } END { exit n != ${servers} }' /proc/net/ip_vs; do
       [ $(ms) -lt ${limitMs} ] || { echo over; exit; }; sleep 0.01; done; ms`,
    { timeoutMs: limitMs + 20_000 },
  )
  if (stdout.includes('over'))
    throw new Error(`${servers} real servers with weight ${weight} not seen within ${limitMs} ms`)
  return Number(stdout.trim().split('\n').at(-1))
}

async function usage(lab: Lab, unit: string): Promise<{ readonly ns: number; readonly memoryMb: number }> {
  const { stdout } = await lab.ssh(
    'lvs1',
    `systemctl show -P CPUUsageNSec ${unit}
     cd /sys/fs/cgroup/system.slice/${unit}.service
     for p in $(cat cgroup.procs); do grep VmRSS /proc/$p/status; done | awk '{ kb += $2 } END { print kb }'`,
  )
  const [ns = NaN, kb = NaN] = stdout.trim().split('\n').map(Number)
  return { ns, memoryMb: kb / 1_024 }
}

async function measure(
  lab: Lab,
  peer: PeerName,
  size: Size,
  times: { readonly changes: number; readonly seconds: number },
): Promise<Figures> {
  const total = size.services * size.servers
  const unit = units[peer]
  const hup = `kill -HUP $(systemctl show -P MainPID ${unit})`
  const peerOf = peer === 'shoal' ? shoal(lab) : keepalived(lab)
  let serial = 1
  const file = (one: number, others: number): Promise<void> =>
    putFile(lab, peer, manyLvscf(lab, size, serial++, one, others))
  try {
    if (peer === 'shoal') await installAgents(lab, manyLvscf(lab, size, serial++, 1, 1))
    await file(1, 1)
    await Promise.all(directors.map((host) => lab.ssh(host, `systemctl stop ${unit}; ipvsadm -C; sync`)))
    await lab.ssh('lvs2', `systemctl start ${unit}`, { timeoutMs: fileLimitMs })
    const wholeMs = await until(lab, `systemctl start --no-block ${unit}`, total, 1, wholeLimitMs)
    await delay(20_000)
    const before = await usage(lab, unit)
    await delay(times.seconds * 1_000)
    const after = await usage(lab, unit)
    const oneWeightMs: number[] = []
    for (let n = 0; n < times.changes; n++) {
      await file(2 + n, 1)
      oneWeightMs.push(await until(lab, hup, 1, 2 + n, changeLimitMs))
      await lab.ssh('lvs2', hup)
      await delay(3_000)
    }
    const allWeightsMs: number[] = []
    for (let n = 0; n < times.changes; n++) {
      const weight = 20 + n
      await file(weight, weight)
      allWeightsMs.push(await until(lab, hup, total, weight, changeLimitMs))
      await lab.ssh('lvs2', hup)
      await delay(3_000)
    }
    return {
      wholeMs,
      oneWeightMs,
      allWeightsMs,
      processorPercent: (after.ns - before.ns) / (times.seconds * 1e7),
      memoryMb: after.memoryMb,
    }
  } finally {
    await peerOf.stop()
  }
}

function tableOf(size: Size, found: Partial<Record<PeerName, Figures>>, load: readonly number[]): string {
  const both = (values: readonly number[]): string => `${Math.round(median(values))} / ${Math.round(worst(values))}`
  const row = (what: string, say: (f: Figures) => string): string[] => [
    what,
    ...peerNames.map((name) => (found[name] ? say(found[name]) : 'not measured')),
  ]
  return [
    `# ${size.services} virtual servers × ${size.servers} real servers on real IPVS, the same file`,
    '',
    `Agent ${agentId()}, keepalived of Debian 12 with Shoal's export of the file; asked over HTTP every 6 s; lab hosts with one processor. Load of the machine before: ${load.join(', ')}. Medians / worst, in ms from the order to /proc/net/ip_vs.`,
    '',
    markdown(
      ['what', ...peerNames],
      [
        row('start to the whole table', (f) => String(f.wholeMs)),
        row('one weight', (f) => both(f.oneWeightMs)),
        row('every weight', (f) => both(f.allWeightsMs)),
        row('processor, steady', (f) => `${f.processorPercent.toFixed(1)} %`),
        row('memory (RSS of all its processes)', (f) => `${Math.round(f.memoryMb)} MB`),
      ],
    ),
    '',
    'Both take a real server in when its check has passed (keepalived with `alpha`); keepalived asks for the first time at a random moment of its interval.',
  ].join('\n')
}

const help = `npm run bench -- scale-lab [options]
  --services N   virtual servers (100)
  --servers N    real servers of each (10, at most 90)
  --seconds N    how long the steady state is looked at (60)
  --changes N    how many changes of each kind (5)
  --lab NAME     the lab used (scale); one that is up is taken as it is and left up
  --name NAME    what the results are called (scale-lab)
`

/** Measures both peers one after the other and keeps what is found; exits 2 where the lab cannot run. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      services: { type: 'string', default: '100' },
      servers: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '60' },
      changes: { type: 'string', default: '5' },
      lab: { type: 'string', default: 'scale' },
      name: { type: 'string', default: 'scale-lab' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const missing = labMissing()
  if (missing.length > 0) {
    console.error(`The lab cannot run here:\n${missing.join('\n')}`)
    return 2
  }
  const size = { services: Number(values.services), servers: Number(values.servers) }
  const times = { seconds: Number(values.seconds), changes: Number(values.changes) }
  const before = machine()
  const wasUp = attach(values.lab) !== undefined
  const lab =
    attach(values.lab) ?? (await up('dr', { name: values.lab, image: 'keepalived', say: (line) => console.log(line) }))
  const { ending } = whenEnded(async () => {
    if (!wasUp) await lab.down()
  })
  const found: Partial<Record<PeerName, Figures>> = {}
  try {
    await setManyRealServers(lab, size)
    for (const peer of peerNames) {
      found[peer] = await measure(lab, peer, size, times)
      console.log(peer, JSON.stringify(found[peer]))
    }
    await keep(
      values.name,
      { agent: agentId(), atMs: Date.now(), machine: before, size, found },
      tableOf(size, found, before.load),
    )
    return 0
  } finally {
    if (ending()) await forEver()
    if (!wasUp) await lab.down()
  }
}
