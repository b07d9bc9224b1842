/** The certificate of the browser host: read at the start, and again when it was renewed on disk, without ending anybody's session. */
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { createSecureContext } from 'node:tls'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Result } from '../../domain/problem.ts'
import type { Log } from '../../core/ports.ts'

/** How often the files are looked at: renewals come days before the end. */
const lookEveryMs = 3600_000

interface Tls {
  readonly cert: string
  readonly key: string
}

const incomplete = (reason: string) => failed(problem('serve-tls-incomplete', { reason }))

/** Certificate and key, tried together; undefined when neither was asked for. */
export async function readTls(
  certFile: string | undefined,
  keyFile: string | undefined,
): Promise<Result<Tls | undefined>> {
  if (certFile === undefined && keyFile === undefined) return ok(undefined)
  if (certFile === undefined) return incomplete('--tls-key is given without --tls-cert')
  if (keyFile === undefined) return incomplete('--tls-cert is given without --tls-key')
  try {
    const tls = { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') }
    createSecureContext(tls)
    return ok(tls)
  } catch (error) {
    return incomplete((error as Error).message)
  }
}

/** Puts a renewed certificate in use; a renewal that cannot be read is logged and the one in use kept. Ends with clearInterval. */
export function renewTls(
  http: Server | HttpsServer,
  certFile: string | undefined,
  keyFile: string | undefined,
  log: Log,
): ReturnType<typeof setInterval> | undefined {
  if (!(http instanceof HttpsServer)) return undefined
  return setInterval(() => {
    void readTls(certFile, keyFile).then((read) => {
      if (!read.ok) log('warn', 'the certificate on disk cannot be used', { file: certFile ?? '' })
      else if (read.value) http.setSecureContext(read.value)
    })
  }, lookEveryMs).unref()
}
