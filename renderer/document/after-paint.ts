/** Work that may wait until what is already changed has been drawn. */

/** A window that is not seen draws nothing: then this long, ms. */
const unseenMs = 100

/** Resolves once the next frame is on the screen. */
export function afterPaint(): Promise<void> {
  return new Promise((resolve) => {
    const unseen = setTimeout(resolve, unseenMs)
    requestAnimationFrame(() => {
      clearTimeout(unseen)
      // Still within the frame here: what comes after it is a task of its own.
      setTimeout(resolve)
    })
  })
}
