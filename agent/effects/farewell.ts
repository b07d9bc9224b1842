/**
 * A director's last word. An agent that is killed cannot say that it is gone, and the standby would wait for its deadtime although the
 * addresses are off within milliseconds. So the agent keeps a sealed beat beside the list of its addresses, in which it says that it
 * serves no more; the release script sends it once it has seen that none of the addresses is left. It is good for this run of the agent
 * only: its number is the highest there is, and the next run has another boot number.
 */
import path from 'node:path'
import { lastWord } from '../director/beat.ts'
import type { Beat } from '../director/words.ts'
import { replaceFile } from './remembered.ts'

const privateMode = 0o600

export interface FarewellTo {
  readonly address: string
  readonly port: number
}

export interface Farewell {
  /** Keeps the word that fits what was just said; `seal` signs it. Nothing is written unless it would be another one. */
  readonly keep: (beat: Beat, seal: (beat: Beat) => Buffer, sealedBy: string, to: readonly FarewellTo[]) => void
}

export function openFarewell(runDir: string, trouble: (says: string) => void): Farewell {
  let kept = ''
  let writing: Promise<void> = Promise.resolve()
  return {
    keep(beat, seal, sealedBy, to) {
      const lines = to.map(({ address, port }) => `${address} ${port}\n`).join('')
      const now = `${beat.boot} ${beat.term} ${beat.generation} ${beat.digest} ${sealedBy}\n${lines}`
      if (now === kept) return
      kept = now
      const datagram = seal(lastWord(beat))
      writing = writing
        .then(async () => {
          await replaceFile(path.join(runDir, 'farewell'), datagram, false, privateMode)
          await replaceFile(path.join(runDir, 'farewell-to'), lines, false, privateMode)
        })
        .catch((error: Error) => {
          kept = ''
          trouble(`the last word cannot be kept: ${error.message}`)
        })
    },
  }
}
