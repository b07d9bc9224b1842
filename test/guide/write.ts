/** `npm run guide`: writes the reference of the user guide anew. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { reference, referenceFiles } from './reference.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
for (const { file, language } of referenceFiles) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), reference(language))
  console.log(file)
}
