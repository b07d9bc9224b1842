/**
 * Names of hosts for notifications, one at a time: getaddrinfo of a dead name server keeps a thread of the pool busy for half a minute,
 * and the director's files and programs go over the same few threads. Whoever waits here is a notification, and only those.
 */
import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/** A `lookup` for sockets that leaves the pool all but one of its threads. */
export function openLookup(asks: typeof resolve = resolve): LookupFunction {
  let before: Promise<unknown> = Promise.resolve()
  return (name, options, done) => {
    const family = isIP(name)
    if (family !== 0) {
      if (options.all) done(null, [{ address: name, family }])
      else done(null, name, family)
      return
    }
    before = before.then(
      () =>
        new Promise<void>((over) => {
          asks(name, options, (error, found, foundFamily) => {
            over()
            done(error, found as never, foundFamily)
          })
        }),
    )
  }
}
