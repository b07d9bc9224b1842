// The lab at a terminal: npm run lab -- VERB. Thin: every verb is one call of lab.ts.

import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { IMAGE_VARIANTS } from './guest.ts'
import type { ImageVariant } from './guest.ts'
import { attach, down, find, LAB_NAME_DEFAULT, up } from './lab.ts'
import type { Lab } from './lab.ts'
import { isLayoutName, LAYOUT_NAMES } from './layouts.ts'
import type { LayoutName } from './layouts.ts'
import { refusal } from './machine.ts'
import { CUT_WAYS } from './namespace.ts'
import type { CutWay } from './namespace.ts'
import { describe } from './outages.ts'
import { EVERY_MS } from './probe.ts'

const CABLE_WORDS: Readonly<Record<string, string>> = {
  both: 'cut',
  deaf: 'cut (hears nothing)',
  mute: 'cut (is not heard)',
}

const program = new Command('lab')
  .description('Real hosts with real IPVS kernels in one network namespace.')
  .option('--name <name>', 'which lab', LAB_NAME_DEFAULT)
  .enablePositionalOptions()

program
  .command('up')
  .argument('<layout>', LAYOUT_NAMES.join(', '), asLayout)
  .option('--real-servers <n>', 'how many real servers', asCount)
  .addOption(new Option('--image <variant>', 'what the hosts have installed').choices(IMAGE_VARIANTS).default('plain'))
  .option('--replace', 'take a lab that is up down first')
  .description('start all hosts; builds the image when there is none')
  .action(async (layout: LayoutName, options: { realServers?: number; image: ImageVariant; replace?: true }) => {
    const began = performance.now()
    const lab = await up(layout, { ...options, name: nameOf(), say })
    say(`Up after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
    await printStatus(lab)
  })

program
  .command('down')
  .description('end every host and forget their disks')
  .action(async () => {
    const found = await down(nameOf())
    say({ up: 'The lab is down', stale: 'Cleared what a lab that had ended left behind', none: 'No lab was up' }[found])
  })

program
  .command('status')
  .option('--json')
  .description('hosts, addresses, cables')
  .action(async (options: { json?: true }) => {
    if (find(nameOf()).kind === 'stale')
      throw refusal('No lab is up. One ended without "down": the machine restarted or its processes were killed.')
    const lab = current()
    if (options.json) console.log(JSON.stringify(await lab.status(), undefined, 2))
    else await printStatus(lab)
  })

program
  .command('ssh')
  .argument('<host>')
  .argument('[command...]')
  .passThroughOptions()
  .description('a command, or a shell, on a host as root')
  .action(async (host: string, command: string[]) => {
    process.exitCode = await attached([
      ...current().sshCommand(host),
      ...(command.length > 0 ? ['--', ...command] : []),
    ])
  })

program
  .command('cut')
  .argument('<host>')
  .argument('[segment]')
  .addOption(new Option('--way <way>', 'deaf: hears nothing; mute: is not heard').choices(CUT_WAYS).default('both'))
  .description("cut a host's cables at the bridge")
  .action((host: string, segment: string | undefined, options: { way: CutWay }) =>
    current().cut(host, { ...options, ...(segment === undefined ? {} : { segment }) }),
  )

program
  .command('heal')
  .argument('<host>')
  .argument('[segment]')
  .description('undo a cut')
  .action((host: string, segment?: string) => current().heal(host, segment === undefined ? {} : { segment }))

program
  .command('crash')
  .argument('<host>')
  .description('power a host off without warning; its disk stays')
  .action((host: string) => current().crash(host))

program
  .command('boot')
  .argument('<host>')
  .description('power a host on and wait until it has started')
  .action(async (host: string) => {
    const began = performance.now()
    await current().boot(host)
    say(`${host} is up after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  })

program
  .command('run')
  .argument('<command...>')
  .passThroughOptions()
  .description("run a command on the lab's network, as the client")
  .action(async (command: string[]) => {
    process.exitCode = await attached(current().inside(command))
  })

program
  .command('probe')
  .argument('<address>', 'usually the virtual IP')
  .option('--seconds <n>', 'how long', asSeconds, 10)
  .option('--every <ms>', 'a request every so many milliseconds', asCount, EVERY_MS)
  .option('--port <port>', 'TCP port', asCount, 80)
  .option('--json', 'the report as JSON')
  .option('--fault <command>', 'shell command that breaks something while the probe runs')
  .option('--after <seconds>', 'when to run it', asSeconds, 3)
  .description('ask for / again and again, each time over a new connection, and say who served and when nobody did')
  .action(
    async (
      address: string,
      options: { seconds: number; every: number; port: number; json?: true; fault?: string; after: number },
    ) => {
      const { seconds, every, port, json, fault, after } = options
      if (fault !== undefined && after >= seconds) throw refusal('--after has to be less than --seconds.')
      const probe = await current().startProbe(address, { everyMs: every, port })
      const began = performance.now()
      let faultCode: Promise<number> | undefined
      if (fault !== undefined) {
        await delay(after * 1_000)
        probe.markFault()
        // Standard output is the report's.
        faultCode = attached(['sh', '-c', fault], ['inherit', process.stderr, 'inherit'])
      }
      await delay(Math.max(0, began + seconds * 1_000 - performance.now()))
      const report = await probe.stop()
      const firstMs = Math.min(...probe.samples.map((sample) => sample.startMs))
      if (json) console.log(JSON.stringify({ ...report, firstMs }, undefined, 2))
      else for (const line of describe(report, firstMs)) console.log(line)
      const code = await faultCode
      if (code !== undefined && code !== 0) throw refusal(`The fault command ended with exit code ${code}.`)
      if (!report.servedAtEnd) process.exitCode = 1
    },
  )

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof Error) || error.name !== 'LabRefusal') throw error
  console.error(error.message)
  process.exitCode = 1
}

function nameOf(): string {
  return program.opts<{ name: string }>().name
}

function current(): Lab {
  const lab = attach(nameOf())
  if (lab === undefined) throw refusal('No lab is up. Bring one up first: npm run lab -- up dr')
  return lab
}

function say(line: string): void {
  console.error(line)
}

async function printStatus(lab: Lab): Promise<void> {
  const status = await lab.status()
  console.log(`${status.name}: ${status.layout}, up since ${status.upSince}, virtual IP ${lab.layout.vip}`)
  for (const host of status.hosts) {
    const state = !host.on ? 'off' : host.answers ? 'answers' : 'no answer'
    const cables = host.cables
      .map((cable) => `${cable.segment} ${cable.address} ${CABLE_WORDS[cable.state] ?? cable.state}`)
      .join(', ')
    console.log(`  ${host.name.padEnd(6)}${host.role.padEnd(10)}${state.padEnd(11)}${cables}`)
  }
}

/** Runs a command with this terminal as its own; resolves with its exit code (128 + n when signal n ended it). */
function attached(
  command: readonly string[],
  stdio: ('inherit' | NodeJS.WriteStream)[] = ['inherit', 'inherit', 'inherit'],
) {
  return new Promise<number>((resolve, reject) => {
    const child = spawn(command[0] as string, command.slice(1), { stdio })
    // A Ctrl-C reaches the child by itself; what is sent to us alone is passed on.
    const passOn = (name: NodeJS.Signals) => child.kill(name)
    const wait = () => undefined
    process.on('SIGTERM', passOn).on('SIGHUP', passOn).on('SIGINT', wait)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGTERM', passOn).off('SIGHUP', passOn).off('SIGINT', wait)
      resolve(code ?? 128 + (signal === 'SIGTERM' ? 15 : signal === 'SIGINT' ? 2 : signal === 'SIGHUP' ? 1 : 9))
    })
  })
}

function asLayout(text: string): LayoutName {
  if (!isLayoutName(text)) throw new InvalidArgumentError(`There are ${LAYOUT_NAMES.join(', ')}.`)
  return text
}

function asCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('A whole number from 1.')
  return count
}

function asSeconds(text: string): number {
  const seconds = Number(text)
  if (!Number.isFinite(seconds) || seconds < 0) throw new InvalidArgumentError('A number of seconds.')
  return seconds
}
