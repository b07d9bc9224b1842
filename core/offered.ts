/** The file of hosts to offer in the wizard, as both hosts take it with `--offer` (the lab's demo writes one). */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { OfferedHost } from '../domain/contract/app.ts'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'

const offeredSchema = z.array(
  z.object({
    name: z.string(),
    address: z.string(),
    role: z.enum(['director', 'real-server']),
    user: z.string(),
    login: z.enum(['key', 'password']),
    keyFile: z.string().exactOptional(),
    note: z.string().exactOptional(),
  }),
)

/** Reads the list; `file-unreadable` says what is wrong with it. */
export async function readOffered(file: string): Promise<Result<readonly OfferedHost[]>> {
  try {
    return ok(offeredSchema.parse(JSON.parse(await readFile(file, 'utf8'))))
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message
    return failed(problem('file-unreadable', { file, reason }))
  }
}
