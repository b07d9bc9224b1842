/**
 * One application per data directory: two would overwrite each other's drafts and watch every cluster twice. The owner listens on a
 * socket that the kernel takes away with the process (an abstract one on Linux, a named pipe on Windows; elsewhere a file on which
 * nobody answers any more), so nothing left behind has to be judged by its age.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Result } from '../domain/problem.ts'

const answerMostMs = 2_000
const answerMostBytes = 4096

const ownerSchema = z.object({ nonce: z.string(), pid: z.number(), what: z.string() })
type Owner = z.infer<typeof ownerSchema>

function socketOf(dataDir: string): string {
  const digest = createHash('sha256').update(dataDir).digest('hex').slice(0, 24)
  if (process.platform === 'win32') return `\\\\.\\pipe\\shoal-${digest}`
  const name = `shoal-${userInfo().uid}-${digest}`
  return process.platform === 'linux' ? `\0${name}` : path.join(tmpdir(), `${name}.sock`)
}

/** Who answers on the socket; undefined = nobody, or nothing that could be understood in time. */
function askOwner(socketPath: string): Promise<Owner | undefined> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect(socketPath)
    const end = (owner?: Owner): void => {
      socket.destroy()
      resolve(owner)
    }
    socket.setEncoding('utf8')
    socket.setTimeout(answerMostMs, () => end({ nonce: '', pid: 0, what: 'Shoal' }))
    socket.on('data', (text: string) => {
      said += text
      if (said.length > answerMostBytes) end()
    })
    socket.on('end', () => {
      try {
        end(ownerSchema.parse(JSON.parse(said)))
      } catch {
        end()
      }
    })
    socket.on('error', () => end())
  })
}

/**
 * Takes the data directory for this process; `what` says to a second one who has it (`shoal serve`). Resolves with the function that
 * gives it back, or with `data-dir-in-use`.
 */
export async function ownDataDir(dataDir: string, what: string): Promise<Result<() => Promise<void>>> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const socketPath = socketOf(dataDir)
  const inUse = (owner: Owner) => failed(problem('data-dir-in-use', { dir: dataDir, pid: owner.pid, what: owner.what }))
  const there = await askOwner(socketPath)
  if (there) return inUse(there)
  if (path.isAbsolute(socketPath) && process.platform !== 'win32') await rm(socketPath, { force: true })
  const me: Owner = { nonce: randomUUID(), pid: process.pid, what }
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(JSON.stringify(me))
  })
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    )
    server.listen(socketPath, () => resolve(false))
  })
  // Two that start in the same moment may both have found nobody: the one whose socket is there has it.
  const now = await askOwner(socketPath)
  if (taken || (now && now.nonce !== me.nonce)) {
    server.close()
    return inUse(now ?? { nonce: '', pid: 0, what: 'Shoal' })
  }
  server.unref()
  return ok(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
      }),
  )
}
