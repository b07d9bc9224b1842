/**
 * The ways to prove who is there, in order, each tried once: a second guess may lock the account. A login by key or agent goes on to a
 * password or a code only when the server took the key and wants more (partial success, RFC 4252 §5.1). A host on the way (a jump host)
 * may be logged in to by any key at hand and by its own password.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import ssh2 from 'ssh2'
import type { AnyAuthMethod, AuthHandlerMiddleware, KeyboardInteractiveAuthMethod } from 'ssh2'
import { failed, ok, problem } from '../../domain/problem.ts'
import type { Problem, Result } from '../../domain/problem.ts'
import { reasonOf } from '../disk.ts'
import type { Owner, SecretKind } from '../secrets.ts'
import type { Target } from './target.ts'

export interface LoginPorts {
  readonly secret: (owner: Owner, kind: SecretKind) => Promise<string | undefined>
  readonly sshAgentSocket?: string
}

/** One login under way: what ssh2 asks for next, and afterwards what was tried and what was missing. */
export interface LoginTry {
  readonly handler: AuthHandlerMiddleware
  /** The method last tried; empty when none was. */
  readonly tried: () => string
  /** What the server asked for that is not known here. */
  readonly missing: () => Problem | undefined
}

/** A question for a second factor, by the words such questions use; everything else that hides its answer is the password. */
const asksForCode = /code|token|otp|one[- ]time|passcode|verification|second factor|duo|authenticator/i

function expandHome(path: string): string {
  return path.startsWith('~/') ? `${homedir()}/${path.slice(2)}` : path
}

/** A private key file, opened. Problems: `key-unreadable`, `passphrase-needed`, `passphrase-wrong`. */
async function keyMethod(target: Target, keyFile: string, ports: LoginPorts): Promise<Result<AnyAuthMethod>> {
  const { user: username } = target
  const where = { kind: 'host', host: target.id } as const
  let key: Buffer
  try {
    key = await readFile(expandHome(keyFile.trim()))
  } catch (error) {
    return failed(problem('key-unreadable', { keyFile, reason: reasonOf(error) }, where))
  }
  const passphrase = await ports.secret(target, 'passphrase')
  const parsed = ssh2.utils.parseKey(key, passphrase)
  if (parsed instanceof Error) {
    const detail = { keyFile, reason: parsed.message }
    if (!/encrypted|passphrase|decrypt|bad decrypt|integrity|OpenSSH private key/i.test(parsed.message)) {
      return failed(problem('key-unreadable', detail, where))
    }
    return failed(problem(passphrase === undefined ? 'passphrase-needed' : 'passphrase-wrong', detail, where))
  }
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  if (!(first as { isPrivateKey?: () => boolean } | undefined)?.isPrivateKey?.()) {
    return failed(problem('key-unreadable', { keyFile, reason: 'not a private key' }, where))
  }
  return ok({ type: 'publickey', username, key, ...(passphrase === undefined ? {} : { passphrase }) })
}

/** Asks the SSH agent for its keys first, because ssh2 says the same for a refused key and an agent that is gone. */
function agentMethod(target: Target, ports: LoginPorts): Promise<Result<AnyAuthMethod>> {
  const where = { kind: 'host', host: target.id } as const
  const socket = ports.sshAgentSocket
  if (socket === undefined || socket === '') return Promise.resolve(failed(problem('ssh-agent-absent', {}, where)))
  return new Promise((resolve) => {
    new ssh2.OpenSSHAgent(socket).getIdentities((error, keys) => {
      if (error) resolve(failed(problem('ssh-agent-absent', {}, where)))
      else if ((keys ?? []).length === 0) resolve(failed(problem('ssh-agent-empty', {}, where)))
      else resolve(ok({ type: 'agent', username: target.user, agent: socket }))
    })
  })
}

/** Keys for a host on the way: those of ~/.ssh/config, the key file or agent of the host behind it. What cannot be read is passed over. */
async function keysOnTheWay(target: Target, ports: LoginPorts): Promise<readonly AnyAuthMethod[]> {
  const files = [...target.moreKeyFiles, ...(target.login.kind === 'key' ? [target.login.keyFile] : [])]
  const methods: AnyAuthMethod[] = []
  for (const file of new Set(files)) {
    const method = await keyMethod(target, file, ports)
    if (method.ok) methods.push(method.value)
  }
  const agent = await agentMethod(target, ports)
  if (agent.ok) methods.push(agent.value)
  return methods
}

/** Prepares a login, or says what is missing before anything is sent. `onTheWay`: the target is a jump host. */
export async function prepareLogin(target: Target, onTheWay: boolean, ports: LoginPorts): Promise<Result<LoginTry>> {
  const { user: username, login } = target
  const where = { kind: 'host', host: target.id } as const
  const password = await ports.secret(target, 'password')
  const first: AnyAuthMethod[] = []
  if (onTheWay) {
    first.push(...(await keysOnTheWay(target, ports)))
  } else if (login.kind !== 'password') {
    const method = await (login.kind === 'agent' ? agentMethod(target, ports) : keyMethod(target, login.keyFile, ports))
    if (!method.ok) return method
    first.push(method.value)
  }
  const byPassword = login.kind === 'password' || onTheWay
  if (first.length === 0 && password === undefined) {
    return failed(problem('password-needed', { user: username, host: target.address }, where))
  }

  let missing: Problem | undefined
  let answered = false

  /** The answer to one question of keyboard-interactive; a code is taken from where it is kept only now, because it is good for once. */
  async function answerTo(prompt: string, echo: boolean): Promise<string> {
    if (asksForCode.test(prompt)) {
      const code = await ports.secret(target, 'code')
      if (code !== undefined) return code
      const question = prompt.trim().replace(/:$/, '')
      missing = problem('login-code-needed', { host: target.address, user: username, question }, where)
      return ''
    }
    // The password is given once; the same question again means that it was wrong.
    if (echo || answered) return ''
    if (password === undefined) {
      missing ??= problem('password-needed', { user: username, host: target.address }, where)
      return ''
    }
    answered = true
    return password
  }
  const keyboard: KeyboardInteractiveAuthMethod = {
    type: 'keyboard-interactive',
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      void Promise.all(prompts.map(({ prompt, echo }) => answerTo(prompt, echo ?? false))).then(finish)
    },
  }
  const more: AnyAuthMethod[] = [
    ...(password === undefined ? [] : [{ type: 'password' as const, username, password }]),
    keyboard,
  ]
  // Asks what the server takes before the password is sent, so that a wrong one is tried once and not twice.
  const waiting: AnyAuthMethod[] = [
    ...first,
    ...(byPassword && first.length === 0 ? [{ type: 'none' as const, username }] : []),
  ]
  let tried = ''
  let passwordUsed = false

  const handler: AuthHandlerMiddleware = (left, partial, next) => {
    // ssh2 passes null before the first answer of the server, which its types leave out.
    const accepted = left as readonly string[] | null
    const own = waiting.shift()
    const takesOwn = own !== undefined && (tried === '' || onTheWay) && !partial
    if (takesOwn) {
      const asked = own.type === 'agent' ? 'publickey' : own.type
      if (accepted === null || asked === 'none' || accepted.includes(asked)) {
        if (asked !== 'none') tried = asked
        next(own)
        return
      }
    }
    // Secrets by hand: after a key only when that was half of it, and one method of the two.
    const mayAsk = partial || (byPassword && !passwordUsed)
    if (mayAsk && accepted !== null) {
      for (let method = more.shift(); method; method = more.shift()) {
        if (!accepted.includes(method.type)) continue
        if (!partial && passwordUsed) break
        if (method.type === 'keyboard-interactive' && password === undefined && !partial) break
        passwordUsed = true
        tried = method.type
        next(method)
        return
      }
    }
    if (onTheWay && password === undefined && missing === undefined) {
      missing = problem('password-needed', { user: username, host: target.address }, where)
    }
    // @ts-expect-error `false` ends the attempts; the types of ssh2 leave it out
    next(false)
  }
  return ok({ handler, tried: () => tried, missing: () => missing })
}
