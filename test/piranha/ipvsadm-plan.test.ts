/**
 * `shoal show FILE --plan ipvsadm` beside the commands that the original's lvsd and nannies ran for the same file: both must build the
 * same services and real servers. The original's real servers come from its nannies' arguments (each adds its own, at last with its
 * whole weight); what it does beside that and we do not is named in `differences`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, test } from 'vitest'
import { ipvsadmPlan } from '../../domain/ipvs/plan.ts'
import { check } from '../../domain/lvscf/check.ts'

const folder = fileURLToPath(new URL('../../../shared/lvs-cf/', import.meta.url))
const present = existsSync(`${folder}argv`)
const names = present ? readdirSync(`${folder}argv`).map((name) => name.replace(/\.txt$/, '')) : []

/** What is left out on purpose of the original's commands, and why. */
const differences: readonly { readonly command: RegExp; readonly because: string }[] = [
  { command: /^-C$/, because: 'it wipes services that others put into the kernel' },
  { command: /^--set 0 0 0$/, because: 'zeros leave the kernel as it is: nothing is to be done' },
  { command: /^-D /, because: 'the harness stopped lvsd; a plan builds and does not stop' },
  {
    command: /^-a \S+ \S+ -r \S+ -[gim] -w 1$/,
    because:
      'lvsd adds the sorry server at every start and takes it out when a real server is up; ours stands in only when none is',
  },
]

interface Service {
  readonly manner: string
  readonly servers: Record<string, string>
}

/** The table that a list of ipvsadm arguments builds: by service, its manner, and `method weight` by real server. */
function build(commands: readonly string[]): Record<string, Service> {
  const table: Record<string, Service> = {}
  for (const command of commands) {
    const words = command.split(' ')
    const option = words.indexOf('-f') > 0 ? '-f' : words.indexOf('-u') > 0 ? '-u' : '-t'
    const key = `${option} ${words[words.indexOf(option) + 1]}`
    if (words[0] === '-A') table[key] = { manner: words.slice(3).join(' '), servers: {} }
    else if (words[0] === '-a') {
      const service = table[key]
      if (!service) throw new Error(`${command}: there is no such service`)
      const at = words.indexOf('-r')
      service.servers[words[at + 1] ?? ''] = words.slice(at + 2).join(' ')
    } else throw new Error(`not expected: ${command}`)
  }
  return table
}

/** The `ipvsadm -a` that a nanny runs at last, from its own arguments. */
function addedBy(nanny: readonly string[]): string {
  const of = (option: string): string | undefined => {
    const at = nanny.indexOf(option)
    return at < 0 ? undefined : nanny[at + 1]
  }
  const service = of('-f') ? `-f ${of('-f')}` : `${nanny.includes('-u') ? '-u' : '-t'} ${of('-V')}:${of('-p')}`
  return `-a ${service} -r ${of('-h')}:${of('-r')} -${of('-M')} -w ${of('-w')}`
}

/** Words of a logged command line, single quotes as the shell writes them. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? '')
}

function original(name: string): { readonly commands: readonly string[]; readonly left: readonly string[] } {
  const lines = readFileSync(`${folder}argv/${name}.txt`, 'utf8').split('--- argv\n')[1]?.trim().split('\n') ?? []
  const all = lines.map((line) =>
    line.startsWith('nanny ') ? addedBy(shellWords(line)) : line.replace(/^ipvsadm /, ''),
  )
  const own = lines.map((line) => line.startsWith('ipvsadm '))
  const left = all.filter((command, at) => own[at] && differences.some((d) => d.command.test(command)))
  return { commands: all.filter((command, at) => !(own[at] && left.includes(command))), left }
}

const textOf = (name: string): string =>
  readFileSync(`${folder}${name.startsWith('G') ? 'generated' : 'corpus'}/${name}.cf`, 'latin1')

describe.skipIf(!present)('the table of a file, beside the one the original builds', () => {
  it('there is material', () => expect(names.length).toBeGreaterThan(15))

  test.for(names)('%s', (name) => {
    const { served } = check(textOf(name))
    if (!served) throw new Error(`${name} is not read`)
    const ours = ipvsadmPlan(served)
    const theirs = original(name)
    const settings = ours.filter((line) => line.startsWith('--'))
    const set = theirs.commands.filter((line) => line.startsWith('--set'))
    expect(settings.filter((line) => line.startsWith('--set'))).toEqual(set)
    expect(build(ours.filter((line) => !line.startsWith('--')))).toEqual(
      build(theirs.commands.filter((line) => !line.startsWith('--'))),
    )
  })

  it('every difference that is named occurs', () => {
    const left = names.flatMap((name) => original(name).left)
    for (const { command, because } of differences)
      expect(
        left.some((line) => command.test(line)),
        because,
      ).toBe(true)
  })
})
