/**
 * What has arrived counts before what time has brought about. On a busy host beats and answers of the wire may come all at once, after
 * the network's own work was held up (ksoftirqd has ordinary priority): a deadtime that ends just then, or an answer that happens to be
 * read first, must not be judged while the beats still wait in their sockets. Node runs timers before it reads sockets, and immediates after.
 */
export function afterArrivals(run: () => void): NodeJS.Immediate {
  return setImmediate(run)
}
