// The lab's disk images: one sparse ext4 file per variant, built by mmdebstrap and mke2fs, kept outside the repository
// and named by the hash of everything that went into it, so that a changed recipe builds anew and an old one is thrown away.
// Hosts write to copy-on-write files over it, never to it.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { DISK_MIB, FINISH, GUEST_FILES, MASKED_UNITS, packagesOf, SUITE } from './guest.ts'
import type { ImageVariant } from './guest.ts'
import { labDir, refusal } from './machine.ts'

/** Raise when a build step below changes: the texts in guest.ts are hashed as they are, code is not. */
const BUILD_STEPS = 1

const UML_MODULES = '/usr/lib/uml/modules'

/** The lab's own key pair: the hosts' root accepts it. Made once per lab directory. Returns the private key's path. */
export async function labKey(): Promise<string> {
  const path = join(labDir(), 'id_ed25519')
  if (existsSync(path)) return path
  await mkdir(labDir(), { recursive: true, mode: 0o700 })
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'shoal-lab', '-f', path])
  return path
}

/**
 * Path of the image for a variant, built first when this recipe has none. `inUse` are images running labs still read,
 * which are kept when older ones are thrown away. Throws a refusal with the tool's own words when a build step fails.
 */
export async function imageFor(
  variant: ImageVariant,
  inUse: readonly string[],
  say: (line: string) => void,
): Promise<string> {
  const publicKey = await readFile(`${await labKey()}.pub`, 'utf8')
  const kernels = await readdir(UML_MODULES)
  const recipe = JSON.stringify([
    SUITE,
    DISK_MIB,
    packagesOf(variant),
    MASKED_UNITS,
    GUEST_FILES,
    FINISH,
    publicKey,
    kernels,
    BUILD_STEPS,
  ])
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 12)
  const folder = join(labDir(), 'images')
  const image = join(folder, `${variant}-${hash}.img`)
  if (existsSync(image)) return image

  await mkdir(folder, { recursive: true })
  const work = join(folder, `building-${variant}-${process.pid}`)
  say(`Building the ${variant} image (once per recipe; packages come from the Debian mirror)`)
  const began = performance.now()
  try {
    const root = join(work, 'root')
    await mkdir(work)
    await step('mmdebstrap', [
      '--quiet',
      '--variant=minbase',
      '--format=directory',
      '--aptopt=Acquire::Languages "none"',
      '--dpkgopt=force-unsafe-io',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-exclude=/usr/share/man/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      `--include=${packagesOf(variant).join(',')}`,
      SUITE,
      root,
    ])
    await arrange(root, publicKey)
    await step('chroot', [root, '/bin/sh', '-c', FINISH])
    const file = join(work, 'disk.img')
    await step('mke2fs', ['-q', '-t', 'ext4', '-m', '0', '-d', root, '-E', 'lazy_itable_init=1', file, `${DISK_MIB}M`])
    if (!existsSync(image)) await rename(file, image)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  for (const other of await readdir(folder)) {
    const path = join(folder, other)
    if (other.startsWith(`${variant}-`) && path !== image && !inUse.includes(path)) await unlink(path)
    // What a build that was interrupted left; its process is known by the number at the end.
    const builder = /^building-.*-(\d+)$/.exec(other)?.[1]
    if (builder !== undefined && !existsSync(`/proc/${builder}`)) await rm(path, { recursive: true, force: true })
  }
  say(`Image ready after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  return image
}

/** Lays the lab's own files, kernel modules and key over an unpacked root. */
async function arrange(root: string, publicKey: string): Promise<void> {
  await cp(UML_MODULES, join(root, 'lib/modules'), { recursive: true })
  for (const { path, mode, text } of GUEST_FILES) {
    const target = join(root, path)
    await mkdir(dirname(target), { recursive: true })
    await rm(target, { force: true })
    await writeFile(target, text)
    await chmod(target, mode)
  }
  await mkdir(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 })
  await writeFile(join(root, 'root/.ssh/authorized_keys'), publicKey, { mode: 0o600 })
  const units = join(root, 'etc/systemd/system')
  for (const unit of MASKED_UNITS) {
    await rm(join(units, unit), { force: true })
    await symlink('/dev/null', join(units, unit))
  }
}

async function step(program: string, args: readonly string[]): Promise<void> {
  // Under tsx and vitest TMPDIR may be anything; LC_ALL keeps perl's and dpkg's warnings about locales away.
  const result = await execa(program, args, { reject: false, env: { LC_ALL: 'C' } })
  if (result.failed)
    throw refusal(
      `${program} failed while the lab's image was built:\n${(result.stderr || result.shortMessage || '').trim().slice(-2_000)}`,
    )
}
