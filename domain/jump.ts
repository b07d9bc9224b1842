/**
 * The way to a host over other hosts, as `ssh -J` and ProxyJump write it: `user@bastion:2222,inner` is first bastion, then inner. Empty
 * = nothing said (then ~/.ssh/config decides), `none` = straight.
 */

/** A host on the way; user and port are absent when not said. */
export interface Jump {
  readonly address: string
  readonly user?: string
  readonly port?: number
}

const portMax = 65_535
/** More hosts in a row are a mistake in the configuration. */
const maxJumps = 8

/** The hosts on the way, first to last; `[]` for straight; undefined when the text is not a way. */
export function readJumps(text: string): readonly Jump[] | undefined {
  const value = text.trim()
  if (value === '' || value.toLowerCase() === 'none') return []
  const jumps: Jump[] = []
  for (const part of value.split(',')) {
    const match =
      /^(?:ssh:\/\/)?(?:([A-Za-z_][A-Za-z0-9_.-]*\$?)@)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9._-]*))(?::([1-9]\d{0,4}))?\/?$/.exec(
        part.trim(),
      )
    if (!match) return undefined
    const [, user, bracketed, plain = '', port] = match
    if (port !== undefined && Number(port) > portMax) return undefined
    jumps.push({
      address: bracketed ?? plain,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
    })
  }
  return jumps.length > maxJumps ? undefined : jumps
}
