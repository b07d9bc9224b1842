/**
 * One SSH connection to one host, on ssh2: it logs in (transport.ts, login.ts), becomes root and runs scripts with live output
 * (scripts.ts), copies files (uploads.ts), and opens sockets there: the agent's, and those of hosts behind it.
 */
import type { Duplex } from 'node:stream'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { reasonOf } from '../disk.ts'
import { linkTo, overLink } from './link.ts'
import type { Link } from './link.ts'
import { scriptsOver } from './scripts.ts'
import type { Scripts } from './scripts.ts'
import type { Target } from './target.ts'
import { logIn, openTcp } from './transport.ts'
import type { OpenStream, TransportPorts } from './transport.ts'
import { uploadsOver } from './uploads.ts'
import type { Uploads } from './uploads.ts'

export interface SessionPorts extends TransportPorts {
  /** Names the upload directories of this core on every host, so that it finds what a cut connection left behind. */
  readonly uploadTag: string
}

export interface Session extends Scripts, Uploads {
  readonly target: Target
  /** Resolves when the connection has ended, with the reason; never rejects. */
  readonly ended: Promise<Problem>
  readonly alive: () => boolean
  /** Whether a script, an upload or an open socket uses it now. */
  readonly busy: () => boolean
  /** Whether a script or an upload is under way. */
  readonly working: () => boolean
  /** Opens a unix socket there. */
  openSocket(path: string): Promise<Result<Duplex>>
  /** Opens a TCP connection that starts there; `host-unreachable` when nobody accepts it. */
  openTcp(address: string, port: number): Promise<Result<Duplex>>
  close(): void
}

/** How a session is reached: straight, or as a stream of a host on the way; and whether it is such a host itself. */
export interface Reach {
  readonly open?: OpenStream
  readonly onTheWay?: boolean
}

/**
 * Connects and logs in. Problems: `host-name-unknown`, `host-unreachable`, `host-key-unknown`, `host-key-changed`,
 * `host-key-by-authority`, `login-refused`, `login-code-needed`, `password-needed`, `passphrase-…`, `key-unreadable`, `ssh-agent-…`,
 * `ssh-failed`.
 */
export async function openSession(target: Target, ports: SessionPorts, reach: Reach = {}): Promise<Result<Session>> {
  const open = reach.open ?? (() => openTcp(target))
  const client = await logIn(target, reach.onTheWay ?? false, open, ports)
  return client.ok ? ok(makeSession(linkTo(target, client.value), ports)) : client
}

function makeSession(link: Link, ports: SessionPorts): Session {
  const { target, client, alive, ended } = link
  const where = { kind: 'host', host: target.id } as const
  const scripts = scriptsOver(link, ports.secret)

  function asSocket(channel: Duplex): Duplex {
    link.sockets++
    channel.once('close', () => link.sockets--)
    return channel
  }

  return {
    target,
    ended,
    alive,
    busy: () => alive() && link.works + link.sockets > 0,
    working: () => alive() && link.works > 0,
    ...scripts,
    ...uploadsOver(link, scripts, ports.uploadTag),
    openSocket: (path) =>
      overLink(
        link,
        // ssh2 throws when the server is not OpenSSH and so cannot forward a unix socket.
        (error) => problem('ssh-failed', { host: target.address, reason: reasonOf(error) }, where),
        (answer) => {
          client.openssh_forwardOutStreamLocal(path, (error, channel) => {
            if (error) answer(failed(problem('agent-forbidden', { host: target.address, user: target.user }, where)))
            else answer(ok(asSocket(channel as unknown as Duplex)))
          })
        },
      ),
    openTcp: (address, port) =>
      overLink(
        link,
        (error) => link.lost(reasonOf(error)),
        (answer) => {
          client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
            if (error)
              answer(failed(problem('host-unreachable', { host: address, port, reason: error.message }, where)))
            else answer(ok(asSocket(channel as unknown as Duplex)))
          })
        },
      ),
    close() {
      client.end()
      // A peer that is gone never answers the closing; do not wait for it.
      setTimeout(() => client.destroy(), 500).unref()
    },
  }
}
