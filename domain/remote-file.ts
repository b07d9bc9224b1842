/**
 * The name of a file on a host: `ssh://user@host:port/absolute/path`. One string, so that whatever keeps a file name (recent files,
 * unsaved text, the address of the page) keeps where the file is as well. How to log in is no part of it.
 */

export interface RemoteFile {
  readonly user: string
  /** Name or address; an IPv6 address without its brackets. */
  readonly address: string
  readonly port: number
  /** Absolute there, as typed: nothing in it is escaped. */
  readonly path: string
}

/** Where Piranha's packages put lvs.cf. */
export const lvscfOnDirector = '/etc/sysconfig/ha/lvs.cf'

const sshPort = 22
const portMax = 65_535

/** Whether a file name says that the file is on a host, well formed or not. */
export function isRemoteName(name: string): boolean {
  return /^ssh:\/\//i.test(name)
}

/** Reads such a name; undefined when it is not one. The user is `root` and the port 22 unless said. */
export function readRemoteName(name: string): RemoteFile | undefined {
  const match = /^ssh:\/\/(?:([^@/\s]+)@)?(?:\[([0-9A-Fa-f:.%]+)\]|([^:@/\s[\]]+))(?::(\d{1,5}))?(\/.*)$/i.exec(name)
  if (!match) return undefined
  const [, user, bracketed, plain, port, path = ''] = match
  const number = port === undefined ? sshPort : Number(port)
  // A line end or NUL can be in no path that is meant.
  if (number < 1 || number > portMax || /[\0\r\n]/.test(path) || path.endsWith('/')) return undefined
  let account: string
  try {
    account = user === undefined ? 'root' : decodeURIComponent(user)
  } catch {
    return undefined
  }
  return { user: account, address: bracketed ?? plain ?? '', port: number, path }
}

/** The one name of a file on a host. */
export function remoteName({ user, address, port, path }: RemoteFile): string {
  return `${placeName({ user, address, port })}${path}`
}

/** The part of the name that says where and as whom to log in. */
export function placeName({ user, address, port }: Omit<RemoteFile, 'path'>): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `ssh://${encodeURIComponent(user)}@${host}${port === sshPort ? '' : `:${port}`}`
}
