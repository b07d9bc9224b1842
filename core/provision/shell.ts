/**
 * The shell around a step: look whether it is so already, keep a copy of what was there, write the new files beside the old ones,
 * check them, put them in place by rename, then run the step's own commands. And the way back. Pure text; POSIX sh.
 *
 *     files same and alreadySo? ──yes──► already
 *       │no
 *     keep copies ► write FILE.shoal-new ► checksum ► validate ► rename ► run ► done
 *
 * A disk that is full, a host that crashes or a connection that is cut before the renames leaves every file as it was. Steps of one
 * host never run at the same time: a lock on the host outlives the connection that started them.
 */
import type { Step } from '../../domain/plan.ts'

export const keptRoot = '/var/lib/shoal/kept'
export const lockFile = '/run/shoal-build.lock'
/** How long a step waits for a step of a connection that was cut. */
export const lockWaitS = 60

/** Exit statuses of our own, away from those of common tools. */
export const exitLocked = 75
export const exitChecksum = 74
export const exitRefused = 76

/** A file of a step with its content at hand: in base64 (text, secrets) or copied to the host beforehand, as it is or as gzip. */
export interface PreparedFile {
  readonly path: string
  readonly mode: string
  readonly owner: string
  /** SHA-256 of the content as it will stand there. */
  readonly sha256: string
  readonly content:
    | { readonly kind: 'base64'; readonly base64: string }
    | { readonly kind: 'copied'; readonly at: string; readonly gzip: boolean }
}

/** What the markers say that the scripts print; everything else is the host's own output. */
export type Marker = 'already' | 'begin' | 'done' | 'nothing' | 'undone'

/** A word as one argument of the shell, whatever is in it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

// A subshell on the left of `||` would ignore `set -e`, hence the statuses asked for by `$?` below.

/** Where the copies of a step are kept on its host. */
function keptDirectory(runId: string, step: Pick<Step, 'id'>): string {
  return `${keptRoot}/${runId}/${step.id.replace(/[^A-Za-z0-9_-]/g, '_')}`
}

/** Where a file is written before it takes the place of the old one. */
export function newPath(path: string): string {
  return `${path}.shoal-new`
}

/** Shell that is true when the file is there with this content, mode and owner. */
export function sameFile({
  path,
  mode,
  owner,
  sha256,
}: Pick<PreparedFile, 'path' | 'mode' | 'owner' | 'sha256'>): string {
  const file = quote(path)
  return `[ -f ${file} ] && [ "$(stat -c '%a %U:%G' ${file})" = ${quote(`${mode.replace(/^0+/, '')} ${owner}`)} ] && [ "$(sha256sum <${file} | cut -c1-64)" = ${sha256} ]`
}

/** Shell that exits 0 when every file and the step itself are so already. */
export function checkText(
  step: Step,
  files: readonly Pick<PreparedFile, 'path' | 'mode' | 'owner' | 'sha256'>[],
): string {
  const conditions = files.map((file) => `${sameFile(file)} || exit 1`)
  return `( ${[...conditions, step.alreadySo === '' ? 'true' : step.alreadySo].join('\n')}\n) >/dev/null 2>&1`
}

function mark(word: string, marker: Marker): string {
  return `echo '@${word} ${marker}'`
}

/** Copies of the files as they are, and which of their directories are missing now; once per run, so a second try keeps the first. */
export function keepText(files: readonly Pick<PreparedFile, 'path'>[]): string {
  return files
    .map(
      ({ path }, at) => `if [ ! -e "$KEPT/${at}.kept" ] && [ ! -e "$KEPT/${at}.absent" ]; then
  if [ -e ${quote(path)} ] || [ -L ${quote(path)} ]; then cp -a ${quote(path)} "$KEPT/${at}.kept"; else : >"$KEPT/${at}.absent"; fi
  d=$(dirname ${quote(path)})
  while [ ! -d "$d" ]; do echo "$d" >>"$KEPT/dirs"; d=$(dirname "$d"); done
fi`,
    )
    .join('\n')
}

function writeText(file: PreparedFile): string {
  const fresh = quote(newPath(file.path))
  const fill =
    file.content.kind === 'copied'
      ? `${file.content.gzip ? 'gzip -dc' : 'cat'} <${quote(file.content.at)} >${fresh}`
      : `base64 -d >${fresh} <<'SHOAL_FILE'\n${file.content.base64.replace(/(.{76})/g, '$1\n')}\nSHOAL_FILE`
  return `mkdir -p -m 0755 "$(dirname ${quote(file.path)})"
: >${fresh}; chmod 0600 ${fresh}
${fill}
if [ "$(sha256sum <${fresh} | cut -c1-64)" != ${file.sha256} ]; then echo ${quote(`checksum of ${file.path} differs`)} >&2; exit ${exitChecksum}; fi
chown ${file.owner} ${fresh}; chmod ${file.mode} ${fresh}`
}

/**
 * The script of a step. Prints `@word already` and ends, or `@word begin`, the output of its commands, and `@word done`. `word` is a
 * fresh random word, so that no output can pass for a marker. What is done is on the disk before it is called done: a host that loses
 * power a second later would else come back with empty files. One fsync(2) at a time, never sync(2): the host has other writers.
 */
export function stepScript(step: Step, files: readonly PreparedFile[], runId: string, word: string): string {
  const fresh = files.map(({ path }) => quote(newPath(path))).join(' ')
  const folders = [...new Set(files.map(({ path }) => quote(path.slice(0, path.lastIndexOf('/')) || '/')))].join(' ')
  const validate =
    step.validate === undefined
      ? ''
      : `NEW=${files[0] ? quote(newPath(files[0].path)) : "''"}\nexport NEW\nset +e\n( set -e\n${step.validate}\n)\n[ $? = 0 ] || exit ${exitRefused}\nset -e`
  return `if ${checkText(step, files)}; then ${mark(word, 'already')}; exit 0; fi
${mark(word, 'begin')}
set -e
umask 022
if command -v flock >/dev/null; then
  exec 9>${lockFile}
  flock -w ${lockWaitS} 9 || exit ${exitLocked}
fi
KEPT=${keptDirectory(runId, step)}
export KEPT
mkdir -p -m 0700 ${keptRoot} "$KEPT"
${keepText(files)}
${fresh === '' ? '' : `trap ${quote(`rm -f ${fresh}`)} EXIT`}
${files.map(writeText).join('\n')}
${validate}
${fresh === '' ? '' : `sync ${fresh}\nfor kept in "$KEPT"/*; do sync "$kept" 2>/dev/null || true; done`}
${files.map(({ path }) => `mv -f ${quote(newPath(path))} ${quote(path)}`).join('\n')}
( set -e
${step.run === '' ? 'true' : step.run}
) 9>&-
: >"$KEPT/synced"
sync "$KEPT/synced" ${folders} 2>/dev/null || true
${mark(word, 'done')}`
}

/** Puts every file back from its copy, or away where there was none; sets `failed` when one cannot be. */
export function restoreText(files: readonly Pick<PreparedFile, 'path'>[]): string {
  return files
    .map(
      ({ path }, at) => `if [ -e "$KEPT/${at}.absent" ]; then rm -f ${quote(path)} ${quote(newPath(path))}
elif [ -e "$KEPT/${at}.kept" ] || [ -L "$KEPT/${at}.kept" ]; then cp -a "$KEPT/${at}.kept" ${quote(newPath(path))} && mv -f ${quote(newPath(path))} ${quote(path)}; fi || failed=1`,
    )
    .join('\n')
}

/** The script that takes a step back; prints `@word nothing` when this run never began it on this host. */
export function undoScript(step: Step, runId: string, word: string): string {
  const restore = restoreText(step.files)
  const settle = step.settle === undefined ? '' : `( set -e\n${step.settle}\n) 9>&-\n[ $? = 0 ] || failed=1`
  return `KEPT=${keptDirectory(runId, step)}
export KEPT
if [ ! -d "$KEPT" ]; then ${mark(word, 'nothing')}; exit 0; fi
${mark(word, 'begin')}
if command -v flock >/dev/null; then
  exec 9>${lockFile}
  flock -w ${lockWaitS} 9 || exit ${exitLocked}
fi
failed=0
( set -e
${step.inverse === '' ? 'true' : step.inverse}
) 9>&-
[ $? = 0 ] || failed=1
${restore}
if [ -s "$KEPT/dirs" ]; then sort -r "$KEPT/dirs" | while read -r d; do rmdir "$d" 2>/dev/null || true; done; fi
${settle}
if [ "$failed" != 0 ]; then exit 1; fi
rm -rf "$KEPT"
rmdir ${keptRoot}/${runId} ${keptRoot} /var/lib/shoal 2>/dev/null || true
${mark(word, 'undone')}`
}
