/** Which forwarding method suits, from three plain answers; for the operator who is not sure. */
import type { Forwarding } from './config.ts'

export interface ForwardingAnswers {
  /** The real servers listen on other ports than the clients use. Only NAT rewrites ports. */
  readonly portsDiffer: boolean
  /** The real servers' addresses and kernel values may be changed (by SSH or by a script). DR and TUN need it. */
  readonly serversMayChange: boolean
  /** Directors and real servers are on one network segment, with no router between. DR needs it. */
  readonly sameSegment: boolean
}

/** NAT where the servers or their ports must stay as they are; else DR on one segment and TUN across segments. */
export function forwardingFor(answers: ForwardingAnswers): Forwarding {
  if (answers.portsDiffer || !answers.serversMayChange) return 'nat'
  return answers.sameSegment ? 'direct' : 'tunnel'
}
