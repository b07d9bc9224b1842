/**
 * Planted bugs: small wrong changes of the centre that its tests must notice. Run with `npx tsx test/simulator/planted.ts`: each is made
 * in a copy of the sources, the stories and fault schedules are run there, and a bug that nothing notices fails the run.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

interface Planted {
  readonly says: string
  readonly file: string
  readonly from: string
  readonly to: string
}

const planted: readonly Planted[] = [
  {
    says: 'the loser of both-serving does not let go',
    file: 'failover.ts',
    from: 'if (theyStay(s, beat)) {',
    to: 'if (theyStay(s, beat) && s.term < 0) {',
  },
  {
    says: 'equal terms: both yield',
    file: 'failover.ts',
    from: "return s.side === 'backup'\n}",
    to: 'return true\n}',
  },
  {
    says: 'a takeover does not raise the term',
    file: 'failover.ts',
    from: 's.term = Math.max(s.term, peer?.term ?? 0) + 1',
    to: 's.term = Math.max(s.term, peer?.term ?? 0)',
  },
  {
    says: 'a paused standby takes its own deafness for silence',
    file: 'failover.ts',
    from: 's.unsureUntilMs = now.ms + (gapMs < deadtimeMs ? 2 * keepaliveMs : deadtimeMs)',
    to: 's.unsureUntilMs = now.ms',
  },
  {
    says: 'the winner of a healed partition does not announce',
    file: 'failover.ts',
    from: 'w.s.announceAtMs = [...w.s.announceAtMs, w.now.ms, ...healedRepeatMs.map((ms) => w.now.ms + ms)].sort((a, b) => a - b)',
    to: 'void healedRepeatMs',
  },
  {
    says: 'an answer that an order has overtaken is believed',
    file: 'kernel.ts',
    from: '    look: s.kernel.look + 1,\n    tableLook: s.kernel.look + 1,',
    to: '',
  },
  {
    says: 'after an order the old table is still believed',
    file: 'kernel.ts',
    from: '    table: null,\n    // A look',
    to: '    // A look',
  },
  {
    says: 'the table is not looked at again',
    file: 'kernel.ts',
    from: 'tableAskedMs: ms, nextTableMs: ms + tableLookMs',
    to: 'tableAskedMs: ms, nextTableMs: Infinity',
  },
  {
    says: 'the addresses are not looked at again',
    file: 'kernel.ts',
    from: 'addressAskedMs: ms, nextAddressMs: ms + addressLookMs',
    to: 'addressAskedMs: ms, nextAddressMs: Infinity',
  },
  {
    says: 'a hand-over lets go before the taker holds the address',
    file: 'failover.ts',
    from: 'if (beat.term > s.term && beat.holds) letGo',
    to: 'if (beat.term > s.term) letGo',
  },
  {
    says: 'replayed beats count',
    file: 'heartbeat.ts',
    from: 'if (!newer && !reborn)',
    to: 'if (!newer && !reborn && beat.seq < 0)',
  },
  {
    says: 'one silent path is the death of the peer',
    file: 'heartbeat.ts',
    from: 'lastHeardMs: now.ms,\n      endedBoots',
    to: "lastHeardMs: name === 'public' ? now.ms : hearing.lastHeardMs,\n      endedBoots",
  },
  {
    says: 'a check that never answers is taken as health',
    file: 'health.ts',
    from: 'return server.probe ? server.probe.limitMs : server.nextMs',
    to: 'return server.probe ? Infinity : server.nextMs',
  },
  {
    says: 'an unfit director claims',
    file: 'failover.ts',
    from: 'const fit = s.unfitBecause.length === 0',
    to: 'const fit = s.unfitBecause.length >= 0; s.unfitBecause = []',
  },
  {
    says: 'the active director that stood still goes on as if nothing had happened',
    file: 'failover.ts',
    from: 's.doubtUntilMs = now.ms + 2 * keepaliveMs',
    to: '',
  },
  {
    says: 'the standby does not ask the wire before it takes over',
    file: 'failover.ts',
    from: 'if (now.ms >= s.wire.nextAskMs) askWire(w)',
    to: '',
  },
  {
    says: 'anybody who answers for the virtual IP is taken for the peer',
    file: 'failover.ts',
    from: 's.hearing.peer?.mac !== mac || ',
    to: '',
  },
  {
    says: 'foreign services are removed',
    file: 'kernel.ts',
    from: 'for (const key of kernel.owned) {',
    to: 'for (const key of table.keys()) {',
  },
  {
    says: 'a restarted agent takes servers of unknown health out',
    file: 'ipvs.ts',
    from: "if (server.health === 'unknown') {",
    to: "if (server.health === 'unknown') continue\n    if (server.health === 'up' && server.sinceMs < 0) {",
  },
  {
    says: 'the director that reaches no real server wins by its term',
    file: 'failover.ts',
    from: 'if (mine !== theirs) return theirs',
    to: '',
  },
]

const root = fileURLToPath(new URL('../..', import.meta.url))
const only = process.argv[2]
let missed = 0
for (const bug of planted.filter((b) => !only || b.says.includes(only))) {
  const copy = mkdtempSync(path.join(tmpdir(), 'shoal-planted-'))
  for (const part of ['agent', 'domain', 'test/simulator', 'package.json', 'tsconfig.base.json'])
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true })
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  const file = path.join(copy, 'agent/director', bug.file)
  const text = readFileSync(file, 'utf8')
  if (text.split(bug.from).length !== 2) {
    console.log(`NOT PLANTED  ${bug.says}: its place in ${bug.file} has changed`)
    missed++
  } else {
    writeFileSync(
      file,
      text.replace(bug.from, () => bug.to),
    )
    const run = spawnSync('npx', ['vitest', 'run', '--root', copy, '--bail', '1', 'agent/director'], {
      cwd: copy,
      encoding: 'utf8',
      env: { ...process.env, SHOAL_SCHEDULES: process.env.SHOAL_SCHEDULES ?? '300' },
      timeout: 300_000,
    })
    const caught = run.status === 1 && /Tests .*failed/.test(run.stdout.replace(/\u001b\[[0-9;]*m/g, ''))
    const by = /FAIL\s+(.*)/.exec(run.stdout.replace(/\u001b\[[0-9;]*m/g, ''))?.[1] ?? ''
    console.log(`${caught ? 'caught      ' : 'NOT CAUGHT  '}${bug.says}  [${by.trim()}]`)
    if (!caught) missed++
  }
  rmSync(copy, { recursive: true, force: true })
}
console.log(missed === 0 ? 'all planted bugs are caught' : `${missed} are not`)
process.exitCode = missed === 0 ? 0 : 1
