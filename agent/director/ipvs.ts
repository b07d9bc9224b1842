/**
 * What the table should be now: the virtual servers of the config, the health of their real servers, and what steers their weights. A
 * server whose health is not known yet is left as the kernel has it, so a restarted agent takes no running server out. Services that
 * are neither in the config nor made by us are foreign and never touched (kernel.ts).
 */
import type { Forwarding } from '../../domain/config.ts'
import { serviceOf, type WantedDestination, type WantedService } from '../../domain/ipvs/table.ts'
import type { ServiceState } from './health.ts'
import type { Steered } from './steering.ts'

/** What one virtual server should be in the kernel. `steered` has its real servers whose weight is not that of lvs.cf. */
export function wanted(forwarding: Forwarding, service: ServiceState, steered: Steered | undefined): WantedService {
  const { spec } = service
  const destinations: WantedDestination[] = []
  let usable = 0
  for (const server of service.servers) {
    if (!server.spec.active) continue
    const steer = steered?.get(server.key)
    const { key } = server
    const isDown = server.health === 'down'
    if (steer?.drain === 'out' || (isDown && !spec.quiesce)) continue
    if (isDown || steer?.drain === 'draining') destinations.push({ key, weight: 0, asFound: false })
    else {
      usable++
      destinations.push({ key, weight: steer?.weight ?? server.spec.weight, asFound: server.health === 'unknown' })
    }
  }
  return serviceOf(forwarding, spec, destinations, usable === 0 && spec.sorryServer !== undefined)
}
