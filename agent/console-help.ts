/** What `shoal-agent --help` and `shoal-agent WORD --help` say, in the manner of a manual page. */

interface Entry {
  readonly usage: string
  readonly brief: string
  readonly text: string
}

const json = '--json  The answer as JSON, for programs.'

/** The words of the console, in the order they are listed. */
export const commands = {
  run: {
    usage: 'run',
    brief: 'be the daemon (systemd starts it)',
    text: `Serves until SIGTERM, which hands the service over to the standby first. SIGHUP reads lvs.cf again. The unit is
shoal-agent.service; by hand it is only started to look for a fault.`,
  },
  status: {
    usage: 'status [--json]',
    brief: 'role, peer, virtual servers and real servers as they are now',
    text: `${json}
Exit code 0 when the agent answered, whatever the role; see health for a verdict.`,
  },
  events: {
    usage: 'events [N] [--json]',
    brief: 'the newest N entries of the journal (50)',
    text: `N       How many entries, at most 10,000.
${json}
The journal itself is /var/lib/shoal/journal.jsonl, one JSON object per line, and journal.jsonl.1 before it; any tool can read it,
also when no agent runs. The same sentences are in the system's log (journalctl -u shoal-agent).`,
  },
  health: {
    usage: 'health [--json]',
    brief: 'whether this director is as it should be; exit 1 when not',
    text: `${json}
A standby that is ready is healthy. The same over HTTP: curl --unix-socket /run/shoal/agent.sock http://localhost/health
(200 or 503).`,
  },
  metrics: {
    usage: 'metrics',
    brief: 'what Prometheus is told',
    text: `The same over HTTP: curl --unix-socket /run/shoal/agent.sock http://localhost/metrics
A TCP port is opened only where lvs.cf says so: # shoal: metrics_listen = 10.0.0.1:9539`,
  },
  handover: {
    usage: 'handover',
    brief: 'hand the service over to the standby, make before break',
    text: `Refused on a director that is not active, and when the standby is not ready. Ends when the other director has taken over.`,
  },
  drain: {
    usage: 'drain SERVICE SERVER',
    brief: 'no new connections to a real server; taken out when the last has ended',
    text: `SERVICE  Virtual server: its id in status ("tcp 192.0.2.10:80"), or its name in lvs.cf where only one has it.
SERVER   Real server: address:port, or its name.
Holds on both directors, over restarts and failovers, until undrain. Persistent clients are waited for. Progress is in status.`,
  },
  undrain: {
    usage: 'undrain SERVICE SERVER',
    brief: 'put a drained real server back',
    text: 'SERVICE and SERVER as with drain.',
  },
  weight: {
    usage: 'weight SERVICE SERVER WEIGHT|default',
    brief: 'another weight than that of lvs.cf',
    text: `WEIGHT  0 to 65535; default gives back the weight of the file. SERVICE and SERVER as with drain. Holds on both directors.`,
  },
  'check-config': {
    usage: 'check-config FILE [--json]',
    brief: 'say whether FILE could be run; exit 1 when not',
    text: `FILE    An lvs.cf; - reads standard input.
${json}
Needs no running agent.`,
  },
  reload: {
    usage: 'reload',
    brief: 'read lvs.cf again and apply the difference',
    text: `Refused, with the problems, when lvs.cf is not sound; what runs goes on then. The same as systemctl reload shoal-agent, but
with an answer.`,
  },
  stage: {
    usage: 'stage FILE [--json]',
    brief: 'check FILE and lay it beside lvs.cf, for commit',
    text: `FILE    An lvs.cf; - reads standard input.
${json}
Prints the digest that commit names. Nothing changes yet. Exit code 1 when the file is not sound.`,
  },
  commit: {
    usage: 'commit DIGEST [--confirm-within SECONDS]',
    brief: 'the staged file becomes lvs.cf, applied as a difference',
    text: `DIGEST  Of the staged file, as stage printed it.
--confirm-within SECONDS
        Go back by itself to the file before when no confirm comes in time, also when the agent is restarted meanwhile.
The file before is kept as lvs.cf.previous. Commit on the standby first, then on the active director.`,
  },
  confirm: {
    usage: 'confirm DIGEST',
    brief: 'a committed file stays',
    text: 'DIGEST  Of the committed file.',
  },
  revert: {
    usage: 'revert',
    brief: 'back to the file before the last commit',
    text: 'The file that is replaced is kept as lvs.cf.reverted. Refused when lvs.cf was changed by another hand since.',
  },
  release: {
    usage: 'release',
    brief: 'take down the virtual IPs and IPVS services the agent left, when it does not run',
    text: 'Refused while the agent runs: it would put everything back.',
  },
} as const satisfies Record<string, Entry>

export type Command = keyof typeof commands

export const isCommand = (word: string): word is Command => Object.hasOwn(commands, word)

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `       ${line}`)
    .join('\n')

/** The page of one command. */
export function pageOf(command: Command): string {
  const { usage, brief, text } = commands[command]
  return `NAME
       shoal-agent ${command} - ${brief}

SYNOPSIS
       shoal-agent ${usage}

DESCRIPTION
${indented(text)}

EXIT STATUS
       0  done
       1  refused, or not as it should be
       2  could not be tried: wrong words, a file that cannot be read, no agent that answers
`
}

/** The page of the program. */
export function overview(version: string): string {
  const widest = Math.max(...Object.values(commands).map(({ usage }) => usage.length))
  const list = Object.values(commands).map(({ usage, brief }) => `       shoal-agent ${usage.padEnd(widest)}  ${brief}`)
  return `NAME
       shoal-agent - the daemon of a Shoal director, and its console (version ${version})

SYNOPSIS
${list.join('\n')}
       shoal-agent WORD --help
       shoal-agent --version

DESCRIPTION
       The console speaks to the daemon over /run/shoal/agent.sock, which root and the group shoal may use.

FILES
       /etc/sysconfig/ha/lvs.cf        the configuration
       /var/lib/shoal/journal.jsonl    what happened, a JSON object per line
       /run/shoal/agent.sock           lines of JSON for programs, HTTP for /metrics and /health

EXIT STATUS
       0  done
       1  refused, or not as it should be
       2  could not be tried
`
}
