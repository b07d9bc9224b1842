/** Gives the reader a text as a file of its own. */

/** How long the browser may take to begin the download before the text's address is withdrawn. */
const addressKeptMs = 30_000

/** Offers `text` as a download named `name`. Byte order marks, where a reader of the format needs one, are part of the text. */
export function download(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), addressKeptMs)
}
