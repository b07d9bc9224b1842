/** The shell that runs tools: what it is told, what it says, and that its end is not the end. */
import { describe, expect, it } from 'vitest'
import { errandLine, openErrands } from './errands.ts'

describe('errands', () => {
  it('are run one after the other, with their words and their end', async () => {
    const errands = openErrands()
    const all = await Promise.all([
      errands.run('echo', ['one', "it's"]),
      errands.run('false', []),
      errands.run('cat', [], "*filter\n:A - [0:0]\n-A A 100%s \\x 'q'\nCOMMIT\n"),
    ])
    expect(all.map((done) => done.failed)).toEqual([null, 'false ended with 1', null])
    expect(all[0]?.said.trim()).toBe("one it's")
    expect(all[2]?.said).toBe("*filter\n:A - [0:0]\n-A A 100%s \\x 'q'\nCOMMIT\n")
  })

  it('are carried out although the shell is told to end with everybody else', async () => {
    const errands = openErrands()
    expect((await errands.run('sh', ['-c', 'kill -TERM $PPID'])).failed).toBeNull()
    expect(await errands.run('echo', ['still'])).toEqual({ said: 'still\n', failed: null })
  })

  it('of a tool that is not there fail with the words of the shell', async () => {
    expect((await openErrands().run('no-such-tool', ['--now'])).failed).toMatch(
      /^no-such-tool ended with 127: .*not found/,
    )
  })

  it('go on after the shell has been killed', async () => {
    const errands = openErrands()
    expect((await errands.run('sh', ['-c', 'kill -9 $PPID'])).failed).toContain('the shell that runs tools ended')
    expect(await errands.run('echo', ['again'])).toEqual({ said: 'again\n', failed: null })
  })

  it('are one line each', () => {
    expect(errandLine('x', ["a'b"], 'c\nd')).toBe("printf 'c\\nd' | 'x' 'a'\\''b' 2>&1")
  })
})
