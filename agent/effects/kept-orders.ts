/**
 * Operators' orders about real servers (drains, weights) in /var/lib/shoal, so that they outlive the agent and the machine. The file is
 * replaced as a whole; one that cannot be read is as none.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { maxWeight } from '../../domain/contract/agent.ts'
import { overridesLimit, type Override } from '../director/overrides.ts'
import { json, replaceFile } from './remembered.ts'

const fileName = 'orders.json'

const schema = z
  .array(
    z.object({
      service: z.string().max(200),
      server: z.string().max(200),
      counter: z.number().int().min(0),
      side: z.enum(['primary', 'backup']),
      drainedAtMs: z.number().exactOptional(),
      out: z.boolean().exactOptional(),
      weight: z.number().int().min(0).max(maxWeight).exactOptional(),
    }),
  )
  .max(overridesLimit)

export async function readOrders(stateDir: string): Promise<readonly Override[]> {
  const text = await readFile(path.join(stateDir, fileName), 'utf8').catch(() => '')
  const parsed = schema.safeParse(json(text))
  return parsed.success ? parsed.data : []
}

export async function keepOrders(stateDir: string, orders: readonly Override[]): Promise<void> {
  await replaceFile(path.join(stateDir, fileName), JSON.stringify(orders), true)
}
