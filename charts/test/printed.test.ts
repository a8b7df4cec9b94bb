import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { printedFiles } from '../src/files.ts'

it.each([...printedFiles()])('%s is as it is printed: npm run charts', (file, text) => {
  expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toBe(text)
})
