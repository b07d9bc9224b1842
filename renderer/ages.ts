/**
 * Instants and durations as words. A value on the screen always has an age, so this is used by nearly every part; it is pure so
 * that the wording can be tested without a clock.
 */
import type { Language } from '../domain/speech/speech.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const units = {
  en: { ms: ' ms', s: ' s', min: ' min', h: ' h', d: ' d', ago: (age: string) => `${age} ago` },
  'zh-CN': { ms: ' 毫秒', s: ' 秒', min: ' 分钟', h: ' 小时', d: ' 天', ago: (age: string) => `${age}前` },
} as const

/** A duration with the precision its size deserves: `340 ms`, `0.9 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function durationText(durationMs: number, language: Language): string {
  const unit = units[language]
  const ms = Math.max(0, durationMs)
  if (ms < secondMs) return `${Math.round(ms)}${unit.ms}`
  if (ms < 10 * secondMs) return `${(Math.floor(ms / 100) / 10).toFixed(1)}${unit.s}`
  if (ms < 2 * minuteMs) return `${Math.floor(ms / secondMs)}${unit.s}`
  if (ms < 2 * hourMs) return `${Math.floor(ms / minuteMs)}${unit.min}`
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)}${unit.h}`
  return `${Math.floor(ms / dayMs)}${unit.d}`
}

/** How long ago; ages are whole seconds because they are read, not measured. */
export function ageText(ageMs: number, language: Language): string {
  const whole = Math.floor(Math.max(0, ageMs) / secondMs) * secondMs
  return units[language].ago(
    whole < secondMs ? `0${units[language].s}` : durationText(whole, language).replace('.0', ''),
  )
}

/** Time of day with seconds, 24 hours: `12:04:31`. */
export function clockText(atMs: number): string {
  const at = new Date(atMs)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** Time of day with milliseconds: `12:04:31.207`. */
export function clockMsText(atMs: number): string {
  return `${clockText(atMs)}.${String(new Date(atMs).getMilliseconds()).padStart(3, '0')}`
}

/** Day in the reader's words: `20 November 2025`, `2025年11月20日`. */
export function dayText(atMs: number, language: Language): string {
  const locale = language === 'en' ? 'en-GB' : language
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' }).format(atMs)
}

/** `12:04:31` today, with the day in front otherwise. */
export function instantText(atMs: number, nowMs: number, language: Language): string {
  const sameDay = new Date(atMs).toDateString() === new Date(nowMs).toDateString()
  return sameDay ? clockText(atMs) : `${dayText(atMs, language)} ${clockText(atMs)}`
}
