// A host for the core's tests: an SSH server in this process whose commands run in a real shell of this machine, under folders of its
// own. It can ask for passwords, play sudo, show another key, and be cut off in the middle; and it writes down every command line and
// every try to log in.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, mkdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server as NetServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import type { AuthContext, Connection, KeyboardAuthContext, ServerChannel } from 'ssh2'

export interface HostOptions {
  readonly password?: string
  /** Offers only keyboard-interactive. */
  readonly keyboard?: boolean
  /** Public keys that may log in, OpenSSH format. */
  readonly keys?: readonly string[]
  /** Asks by keyboard-interactive for this code as well, after the key or the password. */
  readonly code?: string
  /** Connects on to other hosts, as a jump host does. */
  readonly forwards?: boolean
  /** What sudo does: nothing to be asked (the login is root), free, asks for this password, or refuses. */
  readonly sudo?: 'root' | 'free' | 'refuses' | { readonly password: string }
  readonly hostKey?: string
  /** What a login script prints before anything else. */
  readonly greeting?: string
  /** Shell before every script: what is special about this host. */
  readonly before?: string
  /** Where the scripts' absolute paths lie on this machine, instead of the few that are mapped by default. */
  readonly root?: (script: string, folder: string) => string
}

export interface TestHost {
  readonly port: number
  readonly folder: string
  /** Command lines as they would stand in a process list. */
  readonly commands: readonly string[]
  /** Scripts as they came over standard input. */
  readonly scripts: readonly string[]
  /** `method user` of each try to log in. */
  readonly logins: readonly string[]
  /** `address:port` of each connection made from here for others. */
  readonly forwarded: readonly string[]
  /** Ends every connection without a word, before the script that contains `text` is run, or when its output does. */
  cutAt: (text: string, when: 'before' | 'after') => void
  /** Accepts no connection while true. */
  down: boolean
  /** Ends every connection without a word. */
  cut: () => void
  close: () => Promise<void>
}

export function newHostKey(): { readonly private: string; readonly public: string } {
  // ssh2 now and then makes an ed25519 key that it cannot read itself.
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519')
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return { private: pair.private, public: pair.public }
  }
}

/** Folders of a host, under which its scripts see /var/lib/shoal, /run and /etc. */
function rooted(script: string, folder: string): string {
  return script
    .replaceAll('/var/lib/shoal', `${folder}/var`)
    .replaceAll('/run/shoal-build.lock', `${folder}/lock`)
    .replaceAll('/run/shoal/agent.sock', `${folder}/agent.sock`)
}

export async function startHost(options: HostOptions = {}): Promise<TestHost> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-host-'))
  mkdirSync(join(folder, 'home'))
  const commands: string[] = []
  const scripts: string[] = []
  const logins: string[] = []
  const forwarded: string[] = []
  const sockets = new Set<Socket>()
  const cuts: { text: string; when: 'before' | 'after' }[] = []
  const sudo = options.sudo ?? 'root'

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  function askCode(context: KeyboardAuthContext): void {
    context.prompt([{ prompt: 'Verification code: ', echo: false }], (answers) => {
      if (answers[0] === options.code) context.accept()
      else context.reject(['keyboard-interactive'])
    })
  }

  function authenticate(context: AuthContext, took: { key: boolean }): void {
    if (context.method !== 'none') logins.push(`${context.method} ${context.username}`)
    if (took.key && context.method === 'keyboard-interactive') {
      askCode(context)
      return
    }
    const offered = options.keyboard ? ['keyboard-interactive'] : options.keys ? ['publickey'] : ['password']
    if (context.method === 'password' && !options.keyboard && context.password === options.password) context.accept()
    else if (context.method === 'keyboard-interactive' && options.keyboard) {
      context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
        if (answers[0] !== options.password) context.reject(['keyboard-interactive'])
        else if (options.code === undefined) context.accept()
        else askCode(context)
      })
    } else if (context.method === 'publickey' && options.keys) {
      const matches = options.keys.some((text) => {
        const key = ssh2.utils.parseKey(text)
        return !(key instanceof Error) && key.getPublicSSH().equals(context.key.data)
      })
      if (matches && options.code !== undefined) {
        // The first question is without a signature and only asks whether the key would do.
        if (context.signature) took.key = true
        if (context.signature) context.reject(['keyboard-interactive'], true)
        else context.accept()
      } else if (matches) context.accept()
      else context.reject(['publickey'])
    } else context.reject(offered as never)
  }

  /** Runs a script in a real shell; `id` and `sudo` are what this host says they are. */
  function runShell(channel: ServerChannel, script: string, asRoot: boolean): void {
    const isRoot = sudo === 'root' || asRoot
    scripts.push(script)
    if (cuts.some((each) => each.when === 'before' && script.includes(each.text))) {
      cuts.length = 0
      cut()
      return
    }
    const who = isRoot
      ? ''
      : `id() { echo 1000; }\nsudo() { ${sudo === 'free' ? 'return 0' : "echo 'sudo: a password is required' >&2; return 1"}; }\n`
    const child = spawn('sh', ['-s'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: join(folder, 'home') },
      stdio: 'pipe',
    })
    let out = ''
    if (options.greeting !== undefined) channel.write(options.greeting)
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      channel.write(chunk)
      if (!cuts.some((each) => each.when === 'after' && out.includes(each.text))) return
      cuts.length = 0
      cut()
    })
    child.stderr.on('data', (chunk: Buffer) => channel.stderr.write(chunk))
    child.on('close', (code) => {
      channel.exit(code ?? 255)
      channel.end()
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(`${who}${options.before ?? ''}\n${(options.root ?? rooted)(script, folder)}`)
  }

  function execute(channel: ServerChannel, command: string): void {
    commands.push(command)
    let input = ''
    const asked = /^sudo -k -S -p '([^']+)' sh -c 'echo (\S+); exec sh -s'$/.exec(command)
    if (!asked) {
      channel.on('data', (chunk: Buffer) => (input += chunk.toString()))
      channel.on('end', () => {
        runShell(channel, input, command.startsWith('sudo '))
      })
      return
    }
    const [, prompt = '', ready = ''] = asked
    channel.stderr.write(`We trust you have received the usual lecture.\n${prompt}`)
    let inside = false
    channel.on('data', (chunk: Buffer) => {
      input += chunk.toString()
      const end = input.indexOf('\n')
      if (inside || end < 0) return
      const given = input.slice(0, end)
      input = input.slice(end + 1)
      if (typeof sudo === 'object' && given === sudo.password) {
        inside = true
        channel.write(`${ready}\n`)
      } else if (sudo === 'refuses') {
        channel.stderr.write('admin is not in the sudoers file.\n')
        channel.exit(1)
        channel.end()
      } else channel.stderr.write(`Sorry, try again.\n${prompt}`)
    })
    channel.on('end', () => {
      if (inside) runShell(channel, input, true)
    })
  }

  const server = new ssh2.Server({ hostKeys: [options.hostKey ?? newHostKey().private] }, (client: Connection) => {
    client.on('error', () => undefined)
    const took = { key: false }
    client.on('authentication', (context) => {
      authenticate(context, took)
    })
    client.on('ready', () => {
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          execute(acceptExec(), command)
        })
      })
      client.on('tcpip', (accept, reject, { destIP, destPort }) => {
        if (!options.forwards) {
          reject()
          return
        }
        forwarded.push(`${destIP}:${destPort}`)
        const behind = connect(destPort, destIP)
        behind.once('error', () => {
          reject()
        })
        behind.once('connect', () => {
          const channel = accept()
          channel.on('error', () => undefined)
          behind.on('error', () => undefined)
          behind.pipe(channel).pipe(behind)
          channel.on('close', () => behind.destroy())
        })
      })
      client.on(
        'openssh.streamlocal' as never,
        ((acceptForward: () => ServerChannel, reject: () => void) => {
          const behind = connect(join(folder, 'agent.sock'))
          behind.once('error', () => {
            reject()
          })
          behind.once('connect', () => {
            const channel = acceptForward()
            channel.on('error', () => undefined)
            behind.pipe(channel).pipe(behind)
            channel.on('close', () => behind.destroy())
            behind.on('close', () => {
              channel.end()
            })
          })
        }) as never,
      )
    })
  })

  const host: TestHost = {
    port: 0,
    folder,
    commands,
    scripts,
    logins,
    forwarded,
    down: false,
    cut,
    cutAt: (text, when) => {
      cuts.push({ text, when })
    },
    close: () =>
      new Promise((resolve) => {
        cut()
        front.close(() => {
          resolve()
        })
      }),
  }
  const front: NetServer = createServer((socket) => {
    if (host.down) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    server.injectSocket(socket)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const address = front.address()
  return Object.assign(host, { port: typeof address === 'object' && address ? address.port : 0 })
}

/** A word nobody else has said: to be looked for where it must not be. */
export function secretWord(): string {
  return `secret-${randomBytes(6).toString('hex')}`
}
