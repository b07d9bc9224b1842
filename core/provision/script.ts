/**
 * The plan as a shell script, to be read or run by hand as root: the same files, commands, checks and ways back as Shoal would use, step
 * by step. Pure. Every step is looked at first, so the script may be run again; a following run of the plan in Shoal finds everything
 * so already.
 *
 * Programs too large for a script are named with their digest and taken from a folder (SHOAL_FILES); the cluster key is never in it and
 * is taken from a file (SHOAL_KEY).
 */
import type { FileToWrite, Plan, Step } from '../../domain/plan.ts'
import { sayStep } from '../../domain/speech/plan.ts'
import type { Language } from '../../domain/speech/speech.ts'
import { keepText, keptRoot, lockFile, lockWaitS, newPath, quote, restoreText, sameFile } from './shell.ts'

export interface ScriptMaterial {
  /** SHA-256 in hexadecimal of a UTF-8 text. */
  readonly digest: (text: string) => string
  /** Where the programs are on the machine Shoal runs on, and how each is called there: packed ones end in .gz. */
  readonly agentDir: string
  readonly language: Language
}

/** Under which name copies of what was there are kept, in place of the id of a run. */
const byHand = 'by-hand'
const endOfFile = 'SHOAL_FILE'

function comment(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n')
}

/** Shell that is true when the file is there as it shall be; a secret is compared when it is at hand. */
function isSame(file: FileToWrite, digest: ScriptMaterial['digest']): string {
  const { path, mode, owner, content } = file
  if (content.kind === 'secret') {
    const there = `[ -f ${quote(path)} ] && [ "$(stat -c '%a %U:%G' ${quote(path)})" = ${quote(`${mode.replace(/^0+/, '')} ${owner}`)} ]`
    return `${there} && { [ ! -f "$SHOAL_KEY" ] || cmp -s "$SHOAL_KEY" ${quote(path)}; }`
  }
  return sameFile({ path, mode, owner, sha256: content.kind === 'text' ? digest(content.text) : content.sha256 })
}

/** Shell that writes the file beside its place. */
function writeNew(file: FileToWrite, digest: ScriptMaterial['digest']): string {
  const { path, mode, owner, content } = file
  const how = `${quote(path)} ${mode} ${owner}`
  if (content.kind === 'secret') return `fresh ${how} '' <"$SHOAL_KEY"`
  if (content.kind === 'binary') {
    return `need ${quote(content.name)} ${content.sha256}
case ${quote(content.name)} in
  *.gz) gzip -dc <"$SHOAL_FILES"/${quote(content.name)} | fresh ${how} ${content.sha256} ;;
  *) fresh ${how} ${content.sha256} <"$SHOAL_FILES"/${quote(content.name)} ;;
esac`
  }
  const plain = content.text.endsWith('\n') && !content.text.split('\n').includes(endOfFile)
  if (plain) return `fresh ${how} ${digest(content.text)} <<'${endOfFile}'\n${content.text}${endOfFile}`
  // A text without a line end cannot stand in a here-document as it is.
  return `printf %s ${quote(content.text)} | fresh ${how} ${digest(content.text)}`
}

function stepText(step: Step, number: number, { digest, language }: ScriptMaterial): string {
  const { title, reason } = sayStep(step, language)
  const { files } = step
  const first = files[0]
  const lines = [
    `# ---- ${number}. ${title}`,
    comment(reason),
    `title_${number}=${quote(title)}`,
    `folder_${number}=${quote(step.id.replace(/[^A-Za-z0-9_-]/g, '_'))}`,
    `already_${number}() {`,
    ...files.map((file) => `${isSame(file, digest)} || return 1`),
    step.alreadySo === '' ? ':' : step.alreadySo,
    '}',
    `do_${number}() {`,
    ...(files.length === 0 ? [] : [keepText(files)]),
    ...files.map((file) => writeNew(file, digest)),
    ...(step.validate === undefined
      ? []
      : [`NEW=${first ? quote(newPath(first.path)) : "''"}`, 'export NEW', step.validate]),
    ...files.map(({ path }) => `mv -f ${quote(newPath(path))} ${quote(path)}`),
    step.run === '' ? ':' : step.run,
    '}',
    `undo_${number}() {`,
    'failed=0',
    ...(step.inverse === '' ? [] : [`( set -e\n${step.inverse}\n)\n[ $? = 0 ] || failed=1`]),
    ...(files.length === 0 ? [] : [restoreText(files)]),
    `if [ -s "$KEPT/dirs" ]; then sort -r "$KEPT/dirs" | while read -r d; do rmdir "$d" 2>/dev/null || true; done; fi`,
    ...(step.settle === undefined ? [] : [`( set -e\n${step.settle}\n)\n[ $? = 0 ] || failed=1`]),
    'return $failed',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

/** What every script has: the way a step is looked at, done and taken back. */
const frame = `export LC_ALL=C LANG=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
[ "$(id -u)" = 0 ] || { echo 'Run this as root.' >&2; exit 1; }

# Writes standard input beside its place, checks its digest, and gives it owner and mode.
fresh() { # path mode owner sha256
  mkdir -p -m 0755 "$(dirname "$1")" && : >"$1.shoal-new" && chmod 0600 "$1.shoal-new" && cat >"$1.shoal-new" || return 1
  if [ "$4" != '' ] && [ "$(sha256sum <"$1.shoal-new" | cut -c1-64)" != "$4" ]; then
    rm -f "$1.shoal-new"; echo "checksum of $1 differs" >&2; return 1
  fi
  chown "$3" "$1.shoal-new" && chmod "$2" "$1.shoal-new"
}
# A program that has to be copied here first.
need() { # name sha256
  [ -f "$SHOAL_FILES/$1" ] && return 0
  echo "$1 is not in $SHOAL_FILES (unpacked SHA-256 $2); the head of this script says where it comes from." >&2
  return 1
}
one() { # number
  eval "title=\\$title_$1 folder=\\$folder_$1"
  KEPT=${keptRoot}/${byHand}/$folder
  export KEPT
  if [ "$WHAT" = undo ]; then
    [ -d "$KEPT" ] || { echo "nothing to take back: $title"; return 0; }
    if ( "undo_$1" ) 9>&-; then rm -rf "$KEPT"; echo "taken back: $title"; else echo "NOT taken back: $title" >&2; bad=1; fi
    return 0
  fi
  if ( "already_$1" ) >/dev/null 2>&1; then echo "already so: $title"; return 0; fi
  if [ "$WHAT" = check ]; then echo "to do: $title"; bad=1; return 0; fi
  echo "doing: $title"
  mkdir -p -m 0700 ${keptRoot} ${keptRoot}/${byHand} "$KEPT" || exit 1
  ( set -e; umask 022; "do_$1" ) 9>&-
  [ $? = 0 ] || { echo "FAILED: $title. What is done so far stays; correct the cause and run this again, or with: undo" >&2; exit 1; }
}
bad=0
`

const ending = `if [ "$WHAT" = undo ]; then
  rmdir ${keptRoot}/${byHand} ${keptRoot} /var/lib/shoal 2>/dev/null
fi
exit $bad
`

function binariesOf(steps: readonly Step[]): readonly string[] {
  const names = steps.flatMap(({ files }) =>
    files.flatMap(({ content }) =>
      content.kind === 'binary' ? [`${content.name}  (SHA-256 unpacked ${content.sha256})`] : [],
    ),
  )
  return [...new Set(names)]
}

function head(plan: Plan, steps: readonly Step[], usage: string, material: ScriptMaterial): string {
  const binaries = binariesOf(steps)
  const secret = steps.some(({ files }) => files.some(({ content }) => content.kind === 'secret'))
  const order = plan.order
    .map((group) => group.map((id) => plan.hosts.find(({ hostId }) => hostId === id)?.name ?? id).join(', '))
    .join('; then ')
  const lines = [
    'The plan of Shoal as a script. Run as root; every step is looked at first, so it may be run again.',
    '',
    usage,
    `Order of the hosts: ${order}. The next one only when the one before is done.`,
    `What was there before is kept under ${keptRoot}/${byHand} for undo.`,
    ...(binaries.length > 0
      ? [
          '',
          'These programs have to be in the folder named by SHOAL_FILES (the folder of this script unless said), from',
          `${material.agentDir} of the machine Shoal runs on:`,
          ...binaries.map((line) => `  ${line}`),
        ]
      : []),
    ...(secret
      ? [
          '',
          'The cluster key is not in this script. SHOAL_KEY names a file with it (cluster.key in the folder of SHOAL_FILES unless said);',
          'both directors need the same. Shoal lays it in a private file of its machine when asked to, beside this script in the review.',
        ]
      : []),
  ]
  return `#!/bin/sh\n${comment(lines.join('\n'))}\n`
}

function stepsOf(plan: Plan, hostId: string): readonly Step[] {
  return plan.steps.filter((step) => step.hostId === hostId)
}

function numbers(count: number, backwards: boolean): string {
  const all = Array.from({ length: count }, (_, at) => at + 1)
  return (backwards ? all.reverse() : all).join(' ')
}

function body(plan: Plan, hostId: string, material: ScriptMaterial): string {
  const steps = stepsOf(plan, hostId)
  return `${steps.map((step, at) => stepText(step, at + 1, material)).join('\n')}
steps='${numbers(steps.length, false)}'
[ "$WHAT" = undo ] && steps='${numbers(steps.length, true)}'
`
}

const lock = `if [ "$WHAT" != check ] && command -v flock >/dev/null; then
  exec 9>${lockFile}
  flock -w ${lockWaitS} 9 || { echo 'Another run is at work on this host.' >&2; exit 1; }
fi
`

const places = `SHOAL_FILES=\${SHOAL_FILES:-$(dirname "$0")}
SHOAL_KEY=\${SHOAL_KEY:-$SHOAL_FILES/cluster.key}
`

/** The script of one host: `sh FILE [do|check|undo]`. */
export function hostScript(plan: Plan, hostId: string, material: ScriptMaterial): string {
  const host = plan.hosts.find((each) => each.hostId === hostId)
  const usage = `For ${host?.name ?? hostId} (${host?.address ?? ''}): sh THIS_FILE [do | check | undo]`
  return `${head(plan, stepsOf(plan, hostId), usage, material)}WHAT=\${1:-do}
case $WHAT in do | check | undo) ;; *) echo 'do, check or undo' >&2; exit 2 ;; esac
${places}${frame}${lock}
${body(plan, hostId, material)}for n in $steps; do one "$n"; done
${ending}`
}

/** One script for all hosts, to be copied to each: `sh FILE HOST [do|check|undo]`. */
export function clusterScript(plan: Plan, material: ScriptMaterial): string {
  const hosts = plan.order.flat().flatMap((id) => plan.hosts.filter(({ hostId }) => hostId === id))
  const usage = `On each host: sh THIS_FILE HOST [do | check | undo], HOST one of ${hosts.map(({ name }) => name).join(', ')}`
  const parts = hosts.map(
    ({ hostId, name, address }) => `# ==== ${name} (${address})
${quote(name)})
${body(plan, hostId, material)};;
`,
  )
  return `${head(plan, plan.steps, usage, material)}HOST=\${1:-}
WHAT=\${2:-do}
case $WHAT in do | check | undo) ;; *) echo 'do, check or undo' >&2; exit 2 ;; esac
${places}${frame}${lock}
case $HOST in
${parts.join('\n')}*) echo 'The first word is one of: ${hosts.map(({ name }) => name).join(', ')}' >&2; exit 2 ;;
esac
for n in $steps; do one "$n"; done
${ending}`
}
