// Twelve hosts are looked at side by side: each answers only once all of them have been asked, so that a survey which asks one after the
// other never ends. What is counted is questions, not time.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import type { ClusterDraft } from '../../domain/cluster.ts'
import { survey } from '../../core/provision/survey.ts'
import { openSecrets } from '../../core/secrets.ts'
import { openHosts } from '../../core/ssh/hosts.ts'
import { openKnownHosts } from '../../core/ssh/known-hosts.ts'
import { webDraft } from './material.ts'
import { newHostKey, startHost } from './ssh-host.ts'
import type { TestHost } from './ssh-host.ts'

const hostCount = 12
/** Login check, facts, second look. */
const mostQuestions = 3
/** A meeting that does not come about is given up, and the host answers nothing. */
const meetingLooks = 200

const folder = mkdtempSync(join(tmpdir(), 'shoal-survey-'))
const opened: TestHost[] = []
afterEach(async () => {
  for (const host of opened) await host.close()
  rmSync(folder, { recursive: true })
})

/** A script of the survey on a host that waits for the others before it answers. */
function meeting(fixture: string, number: number) {
  return (script: string): string => {
    const kind = script.includes('ip -j addr') ? 'facts' : script.includes('s vip-files') ? 'look' : undefined
    if (kind === undefined) return script
    const mark = /@([0-9a-f]{18}) /.exec(script)?.[1] ?? ''
    const place = join(folder, kind)
    mkdirSync(place, { recursive: true })
    const answer = kind === 'facts' ? `sed 's/^@MARK /@${mark} /' ${fixture}` : `printf '\\n@${mark} end\\n'`
    const instead = `: >${place}/${number}
n=0
while [ "$(ls ${place} | wc -l)" -lt ${hostCount} ]; do
  n=$((n+1)); [ $n -lt ${meetingLooks} ] || exit 1
  sleep 0.1
done
${answer}`
    return script.replace(/s\(\) \{ printf[\s\S]*\ns end$/m, () => instead)
  }
}

it(`${hostCount} hosts are asked at once, each at most ${mostQuestions} questions`, async () => {
  const fixture = fileURLToPath(new URL('fixtures/facts-director.txt', import.meta.url))
  const secrets = openSecrets(undefined)
  const known: string[] = []
  for (let number = 0; number < hostCount; number++) {
    const key = newHostKey()
    const host = await startHost({ password: 'x', hostKey: key.private, root: meeting(fixture, number) })
    opened.push(host)
    known.push(`[127.0.0.1]:${host.port} ${key.public}\n`)
    await secrets.keep({ address: '127.0.0.1', port: host.port, user: 'root' }, 'password', 'x')
  }
  mkdirSync(join(folder, '.ssh'))
  writeFileSync(join(folder, '.ssh', 'known_hosts'), known.join(''))
  const hosts = openHosts({
    knownHosts: openKnownHosts(join(folder, 'own'), folder),
    secret: secrets.get,
    uploadTag: 'test',
  })
  const at = (number: number) => ({
    address: '127.0.0.1',
    port: String(opened[number]?.port ?? 0),
    user: 'root',
    login: { kind: 'password' as const, keyFile: '' },
  })
  const web = webDraft()
  const [server] = web.realServers
  if (!server) throw new Error('material without a real server')
  const draft: ClusterDraft = {
    ...web,
    directors: [
      { ...web.directors[0], ...at(0) },
      { ...web.directors[1], ...at(1) },
    ],
    realServers: Array.from({ length: hostCount - 2 }, (_, number) => ({
      ...server,
      id: `real-${number + 1}`,
      ...at(number + 2),
    })),
  }
  const surveyed = await survey(draft, hosts, () => 5)
  hosts.close()
  expect(surveyed.map(({ facts, look, problem }) => [facts?.os.family, look !== undefined, problem])).toEqual(
    Array.from({ length: hostCount }, () => ['debian', true, undefined]),
  )
  expect(Math.max(...opened.map(({ scripts }) => scripts.length))).toBeLessThanOrEqual(mostQuestions)
}, 60_000)
