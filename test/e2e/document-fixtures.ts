/** What the document tests have besides a signed-in page: a home directory of their own, with the files they open. */
import { scratch } from './serve.ts'
import { test as base } from './fixtures.ts'

export { expect, expectAccessible, picture } from './fixtures.ts'

export const scratchHome = scratch()

export const test = base.extend({ serveWith: [{ home: scratchHome }, { option: true }] })
