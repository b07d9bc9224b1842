#!/usr/bin/env node
/**
 * Draws the icons that have to be pixels out of shoal.svg: the application's (resources/icon.png, from which electron-builder makes those
 * of each system) and the tray's, one per state, with the shapes of the screen (StateMark.vue). Run it when the drawing changes:
 * `node resources/icons/make.mjs`. Needs the browser of the tests.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'

const at = (file) => fileURLToPath(new URL(file, import.meta.url))
const svg = readFileSync(at('./shoal.svg'), 'utf8')
const debianChromium = '/usr/bin/chromium'

/** Below this the two fish behind are specks: the tray has the one in front alone. */
const plain = svg.replace(/\s*<use [^>]*opacity="[^"]*" \/>/g, '')

/** Colours of tokens.css on a light ground; a white rim keeps them apart from any panel. */
const badges = {
  ok: '<circle r="96" fill="#13733f"/><path d="M-46 4-12 38 50-34" class="cut"/>',
  warn: '<path d="M0-104 108 88H-108z" fill="#b26a00" stroke-linejoin="round"/><path d="M0-40v62M0 52v8" class="cut"/>',
  bad: '<path d="M-40-98h80L98-40v80L40 98h-80L-98 40v-80z" fill="#b3261e"/><path d="m-38-38 76 76m0-76-76 76" class="cut"/>',
  stale: '<circle r="96" fill="#56626f"/><path d="M-26-22c0-48 60-44 58-2-2 28-34 28-34 56M-2 58v8" class="cut"/>',
}
const withBadge = (badge) =>
  plain.replace(
    '</svg>',
    `<style>.cut{fill:none;stroke:#fff;stroke-width:34;stroke-linecap:round;stroke-linejoin:round}.rim>*:first-child{stroke:#fff;stroke-width:28;paint-order:stroke}</style><g class="rim" transform="translate(388 388)">${badge}</g></svg>`,
  )

const browser = await chromium.launch({
  ...(existsSync(debianChromium) ? { executablePath: debianChromium } : {}),
  args: ['--no-sandbox', '--disable-gpu'],
})
async function draw(drawing, pixels, file) {
  const page = await browser.newPage({ viewport: { width: pixels, height: pixels } })
  await page.setContent(
    `<body style="margin:0">${drawing.replace('<svg ', `<svg width="${pixels}" height="${pixels}" style="display:block" `)}`,
  )
  writeFileSync(at(file), await page.screenshot({ omitBackground: true }))
  await page.close()
}
mkdirSync(at('./tray'), { recursive: true })
await draw(svg, 1024, '../icon.png')
for (const [state, badge] of Object.entries(badges)) {
  await draw(withBadge(badge), 24, `./tray/${state}.png`)
  await draw(withBadge(badge), 48, `./tray/${state}@2x.png`)
}
await browser.close()
