/**
 * One ticking `now` for the whole screen, so that a page with a thousand ages has one timer. It stops while nobody looks at it.
 */
import { onScopeDispose, ref } from 'vue'
import type { Ref } from 'vue'

/** Ages are shown in whole seconds; twice as often keeps them from jumping by two. */
const tickMs = 500

const now = ref(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The current time in ms, moving while the calling component lives. */
export function useNow(): Readonly<Ref<number>> {
  if (users === 0) {
    now.value = Date.now()
    timer = setInterval(() => (now.value = Date.now()), tickMs)
  }
  users += 1
  onScopeDispose(() => {
    users -= 1
    if (users === 0) clearInterval(timer)
  })
  return now
}
