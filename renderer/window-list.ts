/**
 * A long list of which only what can be seen is in the page: heights are estimated, measured once drawn, and the rest is two empty
 * blocks. For lists whose entries open and so differ in height.
 */
import { computed, onBeforeUnmount, onMounted, ref, shallowRef, watch } from 'vue'
import type { Ref } from 'vue'

/** Drawn above and below what is seen, so that a scroll finds it there. */
const overscanPx = 400
/** Below this everything is drawn. */
const shortListPx = 4_000

function scrollerOf(element: HTMLElement): HTMLElement {
  for (let one = element.parentElement; one; one = one.parentElement) {
    const { overflowY } = getComputedStyle(one)
    if (overflowY === 'auto' || overflowY === 'scroll') return one
  }
  return document.documentElement
}

/** The first index whose end lies beyond `px`. */
function indexAt(ends: Float64Array, px: number): number {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) <= px) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * `list` is the element around all entries. Entries carry their key as `data-key`. Answers the range to draw and the height of the
 * empty blocks before and after it.
 */
export function useWindowList(
  list: Ref<HTMLElement | null>,
  keys: Ref<readonly string[]>,
  estimateOf: (key: string) => number,
) {
  const measured = new Map<string, number>()
  const measurements = ref(0)
  const seen = shallowRef({ fromPx: 0, toPx: 1_000 })
  let scroller: HTMLElement | undefined
  let asked = 0

  const ends = computed(() => {
    void measurements.value
    const found = new Float64Array(keys.value.length)
    let sum = 0
    keys.value.forEach((key, at) => {
      sum += measured.get(key) ?? estimateOf(key)
      found[at] = sum
    })
    return found
  })
  const range = computed(() => {
    const { fromPx, toPx } = seen.value
    const from = Math.min(indexAt(ends.value, fromPx - overscanPx), Math.max(0, keys.value.length - 1))
    const to = Math.min(keys.value.length, indexAt(ends.value, toPx + overscanPx) + 1)
    const total = ends.value.at(-1) ?? 0
    if (total < shortListPx) return { from: 0, to: keys.value.length, beforePx: 0, afterPx: 0 }
    return {
      from,
      to,
      beforePx: from > 0 ? (ends.value[from - 1] ?? 0) : 0,
      afterPx: total - (ends.value[to - 1] ?? total),
    }
  })

  function look(): void {
    asked = 0
    if (!list.value || !scroller) return
    const top = list.value.getBoundingClientRect().top - scroller.getBoundingClientRect().top
    const next = { fromPx: -top, toPx: -top + scroller.clientHeight }
    if (next.fromPx !== seen.value.fromPx || next.toPx !== seen.value.toPx) seen.value = next
  }
  const lookSoon = (): void => {
    asked ||= requestAnimationFrame(look)
  }

  const observer = new ResizeObserver((entries) => {
    let changed = false
    for (const { target } of entries) {
      if (!(target instanceof HTMLElement) || !target.isConnected) continue
      const key = target.dataset['key']
      const height = target.offsetHeight
      if (key === undefined || height === 0 || measured.get(key) === height) continue
      measured.set(key, height)
      changed = true
    }
    if (changed) measurements.value += 1
    lookSoon()
  })

  const surroundings = new ResizeObserver(lookSoon)

  function observe(): void {
    observer.disconnect()
    if (!list.value) return
    for (const child of list.value.children)
      if (child instanceof HTMLElement && child.dataset['key']) observer.observe(child)
  }

  onMounted(() => {
    if (!list.value) return
    scroller = scrollerOf(list.value)
    scroller.addEventListener('scroll', lookSoon, { passive: true })
    addEventListener('resize', lookSoon)
    // What stands above the list grows and shrinks too.
    for (const one of scroller.children) surroundings.observe(one)
    surroundings.observe(scroller)
    look()
    observe()
  })
  watch([() => range.value.from, () => range.value.to, keys], observe, { flush: 'post' })
  onBeforeUnmount(() => {
    observer.disconnect()
    surroundings.disconnect()
    scroller?.removeEventListener('scroll', lookSoon)
    removeEventListener('resize', lookSoon)
    cancelAnimationFrame(asked)
  })

  return range
}
