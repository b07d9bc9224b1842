/**
 * The system calls that are made from here, through koffi without a process. The native part lies beside the bundle and is loaded by
 * its path. Also the numbers of Linux that more than one file needs, and what its error codes mean.
 */
import path from 'node:path'

type Argument = number | bigint | Buffer | string
type Call = (...args: (Argument | Readonly<Record<string, Argument>>)[]) => number

/** Linux numbers, the same on x64 and arm64. */
export const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const
export const SOCK = { stream: 1, dgram: 2, raw: 3, nonblock: 0o4000, cloexec: 0o2000000 } as const
export const MSG_DONTWAIT = 0x40

const errorNames: Readonly<Record<number, string>> = {
  1: 'operation not permitted',
  2: 'no such entry',
  13: 'permission denied',
  17: 'file exists',
  19: 'no such device',
  22: 'invalid argument',
  95: 'operation not supported',
  97: 'address family not supported',
  99: 'cannot assign requested address',
  100: 'network is down',
  101: 'no route to the network',
  105: 'no buffer space',
  111: 'connection refused',
  113: 'no route to the host',
}

export function errorText(code: number): string {
  return errorNames[code] ?? `error ${code}`
}

/** Calls return what libc returns: below zero something failed, and `errno` says what. */
export interface Libc {
  readonly socket: (family: number, type: number, protocol: number) => number
  readonly close: (fd: number) => number
  readonly open: (file: string, flags: number) => number
  readonly read: (fd: number, into: Buffer, size: number) => number
  readonly send: (fd: number, bytes: Buffer, size: number, flags: number) => number
  readonly sendto: (fd: number, bytes: Buffer, size: number, flags: number, to: Buffer, toSize: number) => number
  readonly recv: (fd: number, into: Buffer, size: number, flags: number) => number
  readonly bind: (fd: number, to: Buffer, toSize: number) => number
  readonly setsockopt: (fd: number, level: number, option: number, value: Buffer, size: number) => number
  /** setsockopt with a `struct sock_fprog`. */
  readonly attachFilter: (
    fd: number,
    level: number,
    option: number,
    program: { readonly len: number; readonly filter: Buffer },
    size: number,
  ) => number
  readonly sched: (pid: number, policy: number, param: Buffer) => number
  readonly errno: () => number
}

/** The name of the native part for this machine: `koffi-linux-x64.node`. */
function koffiName(): string {
  return `koffi-${process.platform}-${process.arch}.node`
}

interface Koffi {
  load: (name: string) => { func: (signature: string) => Call }
  struct: (name: string, members: Readonly<Record<string, string>>) => unknown
  errno: () => number
}

/** Loads the native part from a folder, and with it libc. Throws with the reason when it cannot be had. */
export function loadLibc(folder: string, file = koffiName()): Libc {
  const holder: { exports: unknown } = { exports: {} }
  process.dlopen(holder as NodeJS.Module, path.resolve(folder, file))
  const koffi = holder.exports as Koffi
  const libc = koffi.load('libc.so.6')
  const socket = libc.func('int socket(int, int, int)')
  const close = libc.func('int close(int)')
  const open = libc.func('int open(const char *, int)')
  const read = libc.func('int64_t read(int, void *, size_t)')
  const send = libc.func('int64_t send(int, const void *, size_t, int)')
  const sendto = libc.func('int64_t sendto(int, const void *, size_t, int, const void *, uint32_t)')
  const recv = libc.func('int64_t recv(int, void *, size_t, int)')
  const bind = libc.func('int bind(int, const void *, uint32_t)')
  const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)')
  koffi.struct('shoal_sock_fprog', { len: 'uint16_t', filter: 'const void *' })
  const attachFilter = libc.func('int setsockopt(int, int, int, const shoal_sock_fprog *, uint32_t)')
  const sched = libc.func('int sched_setscheduler(int, int, const void *)')
  const { errno } = koffi
  return { socket, close, open, read, send, sendto, recv, bind, setsockopt, attachFilter, sched, errno }
}
