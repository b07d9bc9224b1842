/**
 * The password of the browser host, as `shoal passwd` sets it: only its scrypt hash is kept, in one file of the data directory
 * that nobody else may read.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { replaceFile } from '../../core/atomic-file.ts'

export const passwordLeastCharacters = 10

/** scrypt's cost: 64 MiB and about 0.2 s per try on a small machine (RFC 7914 §2; OWASP's floor is N = 2^17, r = 8 or equal). */
const cost = { N: 2 ** 16, r: 8, p: 2 }
const hashBytes = 32
const memoryMostBytes = 256 * 1024 * 1024

const fileOf = (dataDir: string) => path.join(dataDir, 'password')

function derive(password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, hashBytes, { N, r, p, maxmem: memoryMostBytes }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

/** `scrypt$N$r$p$salt$hash` with a fresh salt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** Whether the password is the one hashed. A hash that is not of our form matches nothing. */
export async function passwordMatches(password: string, hashed: string): Promise<boolean> {
  const [kind, N, r, p, salt, hash] = hashed.split('$')
  if (kind !== 'scrypt' || salt === undefined || hash === undefined) return false
  const wanted = Buffer.from(hash, 'base64')
  const got = await derive(password, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) }).catch(
    () => undefined,
  )
  return got !== undefined && wanted.length === got.length && timingSafeEqual(wanted, got)
}

/** The hash kept in the data directory; undefined when no password was set. Throws when the file is there and cannot be read. */
export async function keptHash(dataDir: string): Promise<string | undefined> {
  try {
    return (await readFile(fileOf(dataDir), 'utf8')).trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Keeps a hash, or with undefined removes the password. */
export async function keepHash(dataDir: string, hash: string | undefined): Promise<void> {
  if (hash === undefined) return rm(fileOf(dataDir), { force: true })
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await replaceFile(fileOf(dataDir), `${hash}\n`, { mode: 0o600, force: true })
}
