#!/usr/bin/env node
/**
 * Lets `npx shoal` find this source tree's own command: npm links the commands of dependencies only, and its way of installing the tree
 * into a cache of its own is slow and fails when that cache is half there. On Windows `npx` still goes that way.
 */
import { lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const bin = path.join(root, 'node_modules/.bin')
const link = path.join(bin, 'shoal')

if (process.platform !== 'win32') {
  mkdirSync(bin, { recursive: true })
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link)
  symlinkSync('../../cli/shoal.mjs', link)
}
