/**
 * The sign-in page of the browser host: the one page shown without a session, as its three small files. A token stands behind the
 * `#` of the printed address, which browsers do not send, so it is in no log; the page's script hands it in and forgets it.
 */
import type { Language } from '../../domain/speech/speech.ts'

const words = {
  en: {
    title: 'Sign in to Shoal',
    password: 'Password',
    passwordHint: 'It was set with shoal passwd on this machine.',
    token: 'Sign-in token',
    tokenHint:
      'Open the address shoal serve printed in its terminal, or paste that address here. Enter in that terminal prints a new one.',
    go: 'Sign in',
    unreachable: 'No answer from Shoal. Check that shoal serve is still running on its machine.',
  },
  'zh-CN': {
    title: '登录 Shoal',
    password: '密码',
    passwordHint: '由本机上的 shoal passwd 设置。',
    token: '登录令牌',
    tokenHint: '请打开 shoal serve 在终端中打印的地址，或将该地址粘贴到此处。在该终端中按回车键可打印新的地址。',
    go: '登录',
    unreachable: 'Shoal 没有应答。请检查 shoal serve 是否仍在其主机上运行。',
  },
} as const satisfies Record<Language, object>

/** The language an Accept-Language header prefers, of those Shoal speaks. */
export function languageOf(acceptLanguage: string | undefined): Language {
  const weighed = (acceptLanguage ?? '').split(',').map((part, at) => {
    const [tag = '', ...parameters] = part.trim().split(';')
    const q = parameters.map((p) => /^\s*q=([\d.]+)$/.exec(p)?.[1]).find((v) => v !== undefined)
    return { tag: tag.trim().toLowerCase(), q: q === undefined ? 1 : Number(q), at }
  })
  const known = weighed.filter(({ tag, q }) => q > 0 && /^(zh|en)\b/.test(tag)).sort((a, b) => b.q - a.q || a.at - b.at)
  return known[0]?.tag.startsWith('zh') ? 'zh-CN' : 'en'
}

export function signInHtml(language: Language, byPassword: boolean): string {
  const say = words[language]
  const label = byPassword ? say.password : say.token
  const hint = byPassword ? say.passwordHint : say.tokenHint
  return `<!doctype html>
<html lang="${language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${say.title}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/sign-in.css">
    <script src="/sign-in.js" defer></script>
  </head>
  <body>
    <main>
      <h1>${say.title}</h1>
      <form id="form" data-by="${byPassword ? 'password' : 'token'}" data-unreachable="${say.unreachable}">
        <input class="away" type="text" name="user" value="shoal" autocomplete="username" readonly tabindex="-1" aria-hidden="true">
        <label for="secret">${label}</label>
        <input id="secret" type="password" autocomplete="${byPassword ? 'current-password' : 'off'}" required autofocus aria-describedby="hint said">
        <p id="hint">${hint}</p>
        <p id="said" role="alert"></p>
        <button type="submit">${say.go}</button>
      </form>
    </main>
  </body>
</html>
`
}

export const signInScript = `'use strict'
const form = document.getElementById('form')
const field = document.getElementById('secret')
const said = document.getElementById('said')
/** Where in the application one was when the session ended. */
let place = ''

async function signIn(body) {
  try {
    const answer = await fetch('/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shoal': '1' },
      body: JSON.stringify(body),
    })
    const { ok, says } = await answer.json()
    if (ok) location.replace('/' + place)
    else said.textContent = says || ''
  } catch {
    said.textContent = form.dataset.unreachable
  }
}

const tokenIn = (text) => (/[#&?]token=([\\w-]+)/.exec(text) || [])[1]

form.addEventListener('submit', (event) => {
  event.preventDefault()
  said.textContent = ''
  const typed = field.value.trim()
  signIn(form.dataset.by === 'password' ? { password: field.value } : { token: tokenIn(typed) || typed })
})

function arrived() {
  const token = tokenIn(location.hash)
  if (location.hash.startsWith('#/')) place = location.hash
  if (token) history.replaceState(null, '', location.pathname)
  signIn(token ? { token } : {})
}
addEventListener('hashchange', arrived)
arrived()
`

export const signInStyle = `:root { color-scheme: light dark; --ink: #1d2a35; --soft: #55636f; --line: #8a97a3; --paper: #f4f6f8; --card: #fff; --accent: #0b62a8; --bad: #a8261c }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf1; --soft: #aab6c0; --line: #6b7883; --paper: #14191d; --card: #1d2429; --accent: #6cb6f2; --bad: #ff9d94 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink); font: 14px/1.5 system-ui, "Noto Sans SC", sans-serif }
main { width: min(400px, 92vw); padding: 32px; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
h1 { margin: 0 0 24px; font-size: 20px }
label { display: block; font-weight: 600; margin-bottom: 4px }
input { width: 100%; padding: 8px 10px; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 4px }
.away { position: absolute; left: -9999px }
#hint { color: var(--soft); margin: 8px 0 }
#said { color: var(--bad); margin: 8px 0; min-height: 1.5em }
button { width: 100%; padding: 9px; font: inherit; font-weight: 600; color: var(--card); background: var(--accent); border: 0; border-radius: 4px; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
`
