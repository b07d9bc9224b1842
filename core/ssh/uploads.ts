/**
 * Files of this machine copied to a host by SFTP, into a private directory of the login user there. The directories carry a tag, so that
 * this core finds again what a cut connection left behind.
 */
import { basename } from 'node:path'
import type { SFTPWrapper } from 'ssh2'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Link } from './link.ts'
import type { Scripts } from './scripts.ts'

/** A file of this machine; it keeps its name there. */
export interface LocalFile {
  readonly file: string
  readonly bytes: number
}

export interface UploadOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (sentBytes: number, allBytes: number) => void
}

export interface Uploads {
  /** Copies local files into a new private directory (mode 0700) of the login user there; answers the directory. */
  upload(files: readonly LocalFile[], options: UploadOptions): Promise<Result<{ readonly directory: string }>>
  /** Removes what uploads of this core that were cut off have left behind there. */
  sweepUploads(): Promise<Result<null>>
}

const uploadTimeoutMs = 300_000
const uploadConcurrency = 64
const uploadChunk = 128 * 1024

/** The uploads of one connection. */
export function uploadsOver(link: Link, { script }: Scripts, uploadTag: string): Uploads {
  const { target, client } = link
  const where = { kind: 'host', host: target.id } as const
  const sweep = `find "$HOME" /var/tmp /tmp -maxdepth 1 -user "$(id -un)" -name '.shoal-upload.${uploadTag}.*' -exec rm -rf {} + 2>/dev/null || :`

  function openSftp(fail: (reason: string) => Result<never>): Promise<Result<SFTPWrapper>> {
    return new Promise((resolve) => {
      void link.ended.then((lost) => {
        resolve(failed(lost))
      })
      client.sftp((error, sftp) => {
        resolve(error ? fail(error.message) : ok(sftp))
      })
    })
  }

  /** Copies one file after the other over one SFTP channel. */
  async function putAll(
    files: readonly LocalFile[],
    directory: string,
    allBytes: number,
    { signal, onProgress }: UploadOptions,
    fail: (reason: string) => Result<never>,
  ): Promise<Result<null>> {
    const opened = await openSftp(fail)
    if (!opened.ok) return opened
    const sftp = opened.value
    let before = 0
    for (const { file, bytes } of files) {
      const put = await new Promise<Result<null>>((resolve) => {
        const finish = (result: Result<null>): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', stop)
          resolve(result)
        }
        const stop = (): void => {
          finish(failed(problem('run-cancelled', { count: 0 }, where)))
        }
        const timer = setTimeout(() => {
          finish(failed(problem('command-timeout', { host: target.address, seconds: uploadTimeoutMs / 1000 }, where)))
        }, uploadTimeoutMs)
        void link.ended.then((lost) => {
          finish(failed(lost))
        })
        signal?.addEventListener('abort', stop)
        if (signal?.aborted) {
          stop()
          return
        }
        const step = (sent: number): void => onProgress?.(before + sent, allBytes)
        const pace = { concurrency: uploadConcurrency, chunkSize: uploadChunk, step }
        sftp.fastPut(file, `${directory}/${basename(file)}`, pace, (failure) => {
          // SFTP says only "Failure" for a full disk; the directory was chosen with room, so another writer took it.
          finish(failure ? fail(failure.message) : ok(null))
        })
      })
      if (!put.ok) {
        sftp.end()
        return put
      }
      before += bytes
    }
    sftp.end()
    return ok(null)
  }

  return {
    async upload(files, options) {
      const names = files.map(({ file }) => basename(file)).join(', ')
      const allBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
      const fail = (reason: string): Result<never> =>
        failed(problem('upload-failed', { host: target.address, file: names, reason }, where))
      const neededKb = Math.ceil(allBytes / 1024) + 1024
      const made = await script(
        `umask 077
${sweep}
for d in "$HOME" /var/tmp /tmp; do
  free=$(df -Pk "$d" 2>/dev/null | awk 'NR==2{print $4}')
  [ -n "$free" ] && [ "$free" -gt ${neededKb} ] && mktemp -d "$d/.shoal-upload.${uploadTag}.XXXXXXXX" && exit 0
done
echo "no directory with ${neededKb} kB free" >&2
exit 1`,
        { as: 'user', ...(options.signal ? { signal: options.signal } : {}) },
      )
      if (!made.ok) return made
      if (made.value.exit !== 0) return failed(problem('disk-full', { host: target.address, what: names }, where))
      const directory = made.value.out.trim()
      link.works++
      const put = await putAll(files, directory, allBytes, options, fail)
      link.works--
      if (put.ok) return ok({ directory })
      if (link.alive()) void script(`rm -rf '${directory}'`, { as: 'user' })
      return put
    },
    async sweepUploads() {
      const swept = await script(sweep, { as: 'user' })
      return swept.ok ? ok(null) : swept
    },
  }
}
