/**
 * The door to system calls that Node has none to: links, addresses and routes (netlink.ts), packets below TCP and UDP
 * (packet-sockets.ts), and here texts of /proc, sd_notify, real-time scheduling. Every call is non-blocking and its result checked.
 * Where the native part cannot be loaded (libc.ts), `openKernel` says why and the callers fall back to tools.
 */
import { AF, errorText, loadLibc, MSG_DONTWAIT, SOCK, type Libc } from './libc.ts'
import { openNetlink, type Netlink } from './netlink.ts'
import { openPacketSockets, type PacketSockets } from './packet-sockets.ts'

export type { RawSocket } from './packet-sockets.ts'

const O_CLOEXEC = 0o2000000
/** The kernel gives no more than a page of such a text at once. */
const partBytes = 16 * 1024

export interface Kernel extends Netlink, PacketSockets {
  /** Opens a text the kernel makes (of /proc): `next` gives its next few kilobytes at once, null at its end. A text says why not. */
  readonly openText: (file: string) => { readonly next: () => Buffer | null; readonly close: () => void } | string
  /** Tells systemd (NOTIFY_SOCKET); false = nobody listens. */
  readonly notify: (socketPath: string, text: string) => boolean
  /** SCHED_RR of this priority for the main thread, 0: SCHED_OTHER, where its nice value counts; undefined = granted (sched(7)). */
  readonly schedule: (priority: number) => string | undefined
}

/** Loads the native part from a folder; or the reason why it cannot be had. */
export function openKernel(folder: string, file?: string): { kernel: Kernel } | { missing: string } {
  try {
    return { kernel: kernelOf(loadLibc(folder, file)) }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}

function kernelOf(libc: Libc): Kernel {
  const { socket, close, open, read, sendto, sched, errno } = libc
  const netlink = openNetlink(libc)
  return {
    ...netlink,
    ...openPacketSockets(libc, netlink.link),
    openText(file) {
      const fd = open(file, O_CLOEXEC)
      if (fd < 0) return errorText(errno())
      const part = Buffer.alloc(partBytes)
      return {
        next: () => {
          const length = read(fd, part, part.length)
          return length > 0 ? part.subarray(0, length) : null
        },
        close: () => void close(fd),
      }
    },
    notify(socketPath, message) {
      const fd = socket(AF.unix, SOCK.dgram | SOCK.nonblock | SOCK.cloexec, 0)
      if (fd < 0) return false
      const name = Buffer.from(socketPath)
      if (name[0] === 0x40) name[0] = 0 // `@` stands for an abstract socket
      const to = Buffer.alloc(2 + name.length + 1)
      to.writeUInt16LE(AF.unix, 0)
      name.copy(to, 2)
      const body = Buffer.from(message)
      const sent = sendto(fd, body, body.length, MSG_DONTWAIT, to, name[0] === 0 ? 2 + name.length : to.length)
      close(fd)
      return sent === body.length
    },
    schedule(priority) {
      const param = Buffer.alloc(4)
      param.writeInt32LE(priority, 0)
      // With SCHED_RESET_ON_FORK: check programs and ipvsadm run with ordinary priority.
      return sched(0, (priority > 0 ? 2 : 0) | 0x40000000, param) < 0 ? errorText(errno()) : undefined
    },
  }
}
