/**
 * One file on a host, read and replaced over SSH with every byte kept. It is replaced only while it is still the version that was
 * seen: the new bytes are written beside it with its owner, mode and labels, checked, brought to the disk, and put in its place by
 * rename; the version before is kept under /var/lib/shoal/kept/documents there.
 */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { failed, ok, problem } from '../domain/problem.ts'
import type { Problem, Result } from '../domain/problem.ts'
import { keptRoot, lockFile, lockWaitS, quote } from './provision/shell.ts'
import type { ScriptResult } from './ssh/scripts.ts'
import type { Session } from './ssh/session.ts'

/** Base64 of more would not fit into what is kept of a script's output. */
export const largestRemoteBytes = 4_000_000
/** Earlier versions kept on a host, all documents together. */
const keptVersions = 50
const transferTimeoutMs = 120_000
/** A new file there is for everybody to read, as one made on this machine is. */
const newFileMode = '0644'

/** SHA-256 in hexadecimal. */
function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Prints one word, and after `file N` the bytes in base64. `denied` also stands for what this user cannot look into. */
function readText(path: string): string {
  const file = quote(path)
  return `if [ -f ${file} ] && [ -r ${file} ]; then
  n=$(wc -c <${file} | tr -d ' ') || exit 1
  if [ "$n" -gt ${largestRemoteBytes} ]; then echo "large $n"; exit 0; fi
  echo "file $n"
  base64 <${file}
elif [ -f ${file} ]; then echo denied
elif [ -e ${file} ]; then echo no-file
elif [ -x "$(dirname ${file})" ]; then echo absent
elif [ "$(id -u)" = 0 ]; then echo absent
else echo denied
fi`
}

/** `seen` is the digest of the version to replace, `absent` for a file that must not be there. */
function replaceText(path: string, bytes: Uint8Array, seen: string): string {
  const kept = `${keptRoot}/documents`
  const name = path.replace(/[^A-Za-z0-9._-]/g, '_').slice(-100)
  const content = Buffer.from(bytes)
    .toString('base64')
    .replace(/(.{76})/g, '$1\n')
  return `f=$(readlink -f ${quote(path)}) && [ "$f" != '' ] || f=${quote(path)}
d=$(dirname "$f")
if [ ! -d "$d" ]; then echo no-directory; exit 0; fi
if command -v flock >/dev/null; then exec 9>${lockFile}; flock -w ${lockWaitS} 9 || { echo locked; exit 0; }; fi
now() { if [ -e "$f" ]; then [ -f "$f" ] && sha256sum <"$f" | cut -c1-64; else echo absent; fi; }
if [ -e "$f" ] && [ ! -f "$f" ]; then echo no-file; exit 0; fi
if [ "$(now)" != ${seen} ]; then echo changed; exit 0; fi
umask 077
new=$(mktemp "$d/.shoal-new-XXXXXX") || exit 1
trap 'rm -f "$new"' EXIT
if [ -e "$f" ]; then
  # The new file takes owner, mode, access lists and labels of the old one.
  cp -a "$f" "$new" || exit 1
  mkdir -p -m 0700 ${keptRoot} ${kept} || exit 1
  old=${kept}/${name}.$(date -u +%Y%m%dT%H%M%SZ).$$
  cp -a "$f" "$old" || { rm -f "$old"; exit 1; }
fi
base64 -d >"$new" <<'SHOAL_FILE' || exit 1
${content}
SHOAL_FILE
if [ "$(sha256sum <"$new" | cut -c1-64)" != ${digestOf(bytes)} ]; then echo 'the bytes written are not the bytes sent' >&2; exit 1; fi
[ -e "$f" ] || chmod ${newFileMode} "$new" || exit 1
sync "$new" 2>/dev/null || sync
if [ "$(now)" != ${seen} ]; then echo changed; exit 0; fi
mv -f "$new" "$f" || exit 1
sync "$d" 2>/dev/null || sync
ls -1t ${kept} 2>/dev/null | tail -n +${keptVersions + 1} | while read -r one; do rm -f ${kept}/"$one"; done
echo saved`
}

function fileProblem(
  code: 'file-unreadable' | 'file-unwritable',
  path: string,
  session: Session,
  reason: string,
): Problem {
  return problem(
    code,
    { file: `${session.target.address}:${path}`, reason },
    { kind: 'file', file: `${session.target.address}:${path}` },
  )
}

function lastLine({ err, exit }: ScriptResult): string {
  return err.trim().split('\n').at(-1)?.slice(0, 300) || `exit status ${exit}`
}

/** The path as the host's kernel would walk it, `.` and `..` resolved by their text. */
export function plainPath(path: string): string {
  return posix.normalize(path)
}

/**
 * The bytes of a file there, undefined when there is none. Reads as the login user and, where that user may not, as root. Problems:
 * those of a login and of sudo, `document-too-large`, `file-unreadable`.
 */
export async function readHostFile(session: Session, path: string): Promise<Result<Uint8Array | undefined>> {
  const script = readText(path)
  let answer = await session.script(script, { as: 'user', timeoutMs: transferTimeoutMs })
  if (answer.ok && answer.value.out.startsWith('denied')) {
    answer = await session.script(script, { as: 'root', timeoutMs: transferTimeoutMs })
  }
  if (!answer.ok) return answer
  const end = answer.value.out.indexOf('\n')
  const [word, size = ''] = answer.value.out.slice(0, Math.max(end, 0)).split(' ')
  if (answer.value.exit === 0 && word === 'absent') return ok(undefined)
  if (answer.value.exit === 0 && word === 'large') {
    const file = `${session.target.address}:${path}`
    const detail = { file, bytes: Number(size), limit: largestRemoteBytes }
    return failed(problem('document-too-large', detail, { kind: 'file', file }))
  }
  const bytes = Buffer.from(answer.value.out.slice(end + 1), 'base64')
  if (answer.value.exit === 0 && word === 'file' && bytes.length === Number(size)) return ok(new Uint8Array(bytes))
  const reason =
    word === 'no-file'
      ? 'not a regular file'
      : word === 'denied'
        ? 'EACCES: permission denied'
        : answer.value.exit === 0
          ? `${bytes.length} of ${size} bytes came`
          : lastLine(answer.value)
  return failed(fileProblem('file-unreadable', path, session, reason))
}

/**
 * Replaces a file there, as root. `seen` is the digest of the version that may be replaced, null when there must be none. Problems:
 * `changed-meanwhile`, `file-unwritable` (with what the host said: no space, read-only …), `document-too-large`, those of a login.
 */
export async function replaceHostFile(
  session: Session,
  path: string,
  bytes: Uint8Array,
  seen: string | null,
): Promise<Result<null>> {
  const file = `${session.target.address}:${path}`
  if (bytes.length > largestRemoteBytes) {
    const detail = { file, bytes: bytes.length, limit: largestRemoteBytes }
    return failed(problem('document-too-large', detail, { kind: 'file', file }))
  }
  // It becomes a word of a script, so nothing but a digest may pass; another one fits no version.
  if (seen !== null && !/^[0-9a-f]{64}$/.test(seen)) {
    return failed(problem('changed-meanwhile', { name: posix.basename(path) }, { kind: 'file', file }))
  }
  const answer = await session.script(replaceText(path, bytes, seen ?? 'absent'), {
    as: 'root',
    timeoutMs: transferTimeoutMs,
  })
  if (!answer.ok) return answer
  const word = answer.value.exit === 0 ? answer.value.out.trim() : ''
  if (word === 'saved') return ok(null)
  if (word === 'changed') {
    return failed(problem('changed-meanwhile', { name: posix.basename(path) }, { kind: 'file', file }))
  }
  const reasons: Readonly<Record<string, string>> = {
    'no-directory': 'ENOENT: no such directory',
    'no-file': 'not a regular file',
    locked: 'a build is changing files there',
  }
  return failed(fileProblem('file-unwritable', path, session, reasons[word] ?? lastLine(answer.value)))
}
