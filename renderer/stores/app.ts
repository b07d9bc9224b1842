/** The application as a whole: what the core says about itself, and the reader's language and theme, remembered in this browser. */
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import type { AppInfo } from '../../domain/contract/app.ts'
import type { Problem } from '../../domain/problem.ts'
import { languages } from '../../domain/speech/speech.ts'
import type { Language } from '../../domain/speech/speech.ts'
import { bridge, connection } from '../bridge.ts'
import { i18n } from '../i18n/speech.ts'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const languageKey = 'shoal.language'
const themeKey = 'shoal.theme'

function remembered<T extends string>(key: string, allowed: readonly T[]): T | undefined {
  const value = localStorage.getItem(key)
  return allowed.find((one) => one === value)
}

export const useAppStore = defineStore('app', () => {
  const info = ref<AppInfo | null>(null)
  const problems = ref<readonly Problem[]>([])
  const language = ref<Language>(
    remembered(languageKey, languages) ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'),
  )
  const theme = ref<Theme>(remembered(themeKey, themes) ?? 'system')
  const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
  const systemIsDark = ref(systemDark.matches)
  systemDark.addEventListener('change', (event) => (systemIsDark.value = event.matches))
  const dark = computed(() => theme.value === 'dark' || (theme.value === 'system' && systemIsDark.value))

  watch(
    language,
    (chosen) => {
      localStorage.setItem(languageKey, chosen)
      i18n.global.locale.value = chosen
      document.documentElement.lang = chosen
    },
    { immediate: true },
  )
  watch(theme, (chosen) => localStorage.setItem(themeKey, chosen))
  watch(dark, (isDark) => document.documentElement.classList.toggle('dark', isDark), { immediate: true })

  async function load(): Promise<void> {
    const answer = await bridge().ask('app.info', {})
    if (answer.ok) {
      info.value = answer.value
      problems.value = []
    } else problems.value = answer.problems
  }
  watch(
    () => connection.returns,
    () => void load(),
  )

  return { info, problems, language, theme, dark, load }
})
