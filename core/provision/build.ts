/** The built agent as it lies on this machine: its manifest, read and validated, and the files the plan names. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import { reasonOf } from '../disk.ts'
import type { AgentBuild, Runtime } from './plan.ts'
import type { BinaryFile } from './run.ts'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const plainName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)

const manifestSchema = z.object({
  version: z.string().regex(/^[0-9A-Za-z.+-]+$/),
  id: z.string().regex(/^[0-9A-Za-z.+-]+$/),
  files: z.record(plainName, digest),
  runtimes: z.record(
    z.string(),
    z.object({ name: plainName, sha256: digest, bytes: z.number().int(), packedBytes: z.number().int() }),
  ),
})

const unitFile = 'shoal-agent.service'

/** `uname -m` of each processor Node names. */
const machineOf: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

export interface LocalBuild {
  readonly build: AgentBuild
  readonly binary: (name: string) => BinaryFile | undefined
}

/** Reads the manifest in `agentDir`; `agent-build-absent` when there is no complete build. */
export async function readBuild(agentDir: string): Promise<Result<LocalBuild>> {
  const absent = (reason: string): Result<LocalBuild> =>
    failed(problem('agent-build-absent', { directory: agentDir, reason }))
  try {
    const read = manifestSchema.safeParse(JSON.parse(await readFile(join(agentDir, 'manifest.json'), 'utf8')))
    if (!read.success) return absent(read.error.issues[0]?.message ?? 'manifest.json')
    const { version, id, files, runtimes } = read.data
    const unit = await readFile(join(agentDir, unitFile), 'utf8')
    const binaries = new Map<string, BinaryFile>()
    const agentFiles: { name: string; bytes: number; sha256: string }[] = []
    for (const [name, sha256] of Object.entries(files)) {
      if (name === unitFile) continue
      const { size } = await stat(join(agentDir, name))
      agentFiles.push({ name, bytes: size, sha256 })
      binaries.set(name, { file: join(agentDir, name), bytes: size, gzip: false })
    }
    const machines: Record<string, Runtime> = {}
    for (const [arch, runtime] of Object.entries(runtimes)) {
      const machine = machineOf[arch]
      if (machine === undefined) continue
      machines[machine] = {
        name: runtime.name,
        sha256: runtime.sha256,
        bytes: runtime.bytes,
        nativeSuffix: `-${arch}.node`,
      }
      binaries.set(runtime.name, { file: join(agentDir, runtime.name), bytes: runtime.packedBytes, gzip: true })
    }
    return ok({
      build: { version, id, unit, files: agentFiles, runtimes: machines },
      binary: (name) => binaries.get(name),
    })
  } catch (error) {
    return absent(reasonOf(error))
  }
}
