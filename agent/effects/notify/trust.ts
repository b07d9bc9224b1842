/**
 * Which certificates a channel trusts: those of the runtime and of this host's system, or, where a file is named, only those in it. Kept
 * for a while, so that not every message reads them again.
 */
import { readFile } from 'node:fs/promises'
import * as tls from 'node:tls'

/** A certificate that the host comes to trust is seen after this at the latest. */
const keptMs = 10 * 60_000
const fileMostBytes = 1024 * 1024

/** Node's own since 22.15; the runtime on a director has it. */
const { getCACertificates } = tls as typeof tls & {
  readonly getCACertificates?: (type: 'default' | 'system') => readonly string[]
}

export type Trust = (caFile: string | undefined) => Promise<tls.SecureContext>

async function load(caFile: string | undefined): Promise<tls.SecureContext> {
  if (caFile === undefined) {
    const both = [...(getCACertificates?.('default') ?? []), ...(getCACertificates?.('system') ?? [])]
    return tls.createSecureContext(both.length > 0 ? { ca: [...new Set(both)] } : {})
  }
  const text = await readFile(caFile, 'latin1').catch((error: unknown) => {
    throw new Error(`${caFile} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'it is no file'}`)
  })
  if (text.length > fileMostBytes || !text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error(`${caFile} has no certificates in PEM.`)
  try {
    return tls.createSecureContext({ ca: text })
  } catch {
    throw new Error(`${caFile} has a certificate that cannot be read.`)
  }
}

export function openTrust(): Trust {
  const kept = new Map<string, { readonly context: tls.SecureContext; readonly untilMs: number }>()
  return async (caFile) => {
    const name = caFile ?? ''
    const known = kept.get(name)
    if (known && performance.now() < known.untilMs) return known.context
    const context = await load(caFile)
    kept.set(name, { context, untilMs: performance.now() + keptMs })
    return context
  }
}
