/**
 * Packets before programs. What a busy kernel does not get done at once for packets it leaves to threads of its own (ksoftirqd, one for
 * each processor; napi where a device has threads), and they are as ordinary as any program: where many programs keep the processors busy,
 * forwarding and beats wait for a second and more. A director is there to forward, so while the agent runs these threads have a nice value
 * that puts them before ordinary programs. One that somebody has given another value than the usual 0 is left alone.
 */
import { readdir, readFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

/** As the agent's own where it is not real-time (Nice= of its unit). */
const firstNice = -10
const threadNames = /^(ksoftirqd\/\d+|napi\/.+)$/

/** Nice values of threads by their ids; both throw where that is not allowed or the thread is gone. */
export interface NiceValues {
  readonly get: (id: number) => number
  readonly set: (id: number, value: number) => void
}

const ofThisHost: NiceValues = { get: (id) => os.getPriority(id), set: (id, value) => os.setPriority(id, value) }

/** Ids of the kernel's threads for packets. In a container that sees no threads of the kernel there are none. */
async function packetThreads(procDir: string): Promise<readonly number[]> {
  const ids = (await readdir(procDir)).filter((name) => /^\d+$/.test(name))
  const names = await Promise.all(ids.map((id) => readFile(path.join(procDir, id, 'comm'), 'utf8').catch(() => '')))
  return ids.filter((_, at) => threadNames.test((names[at] ?? '').trim())).map(Number)
}

/**
 * Puts the threads first; the answer gives them back what they had. What a run that crashed has left (`afterCrash`) is taken for its own.
 * `says` is told what was done, or why it could not be; nothing depends on it.
 */
export async function putPacketsFirst(
  afterCrash: boolean,
  says: (text: string) => void,
  nice: NiceValues = ofThisHost,
  procDir = '/proc',
): Promise<() => void> {
  const ours: number[] = []
  try {
    for (const id of await packetThreads(procDir)) {
      const value = nice.get(id)
      if (value === 0) nice.set(id, firstNice)
      if (value === 0 || (afterCrash && value === firstNice)) ours.push(id)
    }
    if (ours.length > 0)
      says(
        `Packets precede ordinary programs while the agent runs (${ours.length} threads of the kernel, nice ${firstNice}).`,
      )
  } catch (error) {
    says(`Packets do not precede other programs here: ${error instanceof Error ? error.message : String(error)}`)
  }
  return () => {
    for (const id of ours)
      try {
        if (nice.get(id) === firstNice) nice.set(id, 0)
      } catch {
        // The thread ended with its processor or device.
      }
  }
}
