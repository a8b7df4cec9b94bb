import { writeFileSync } from 'node:fs'
import { printedFiles } from './files.ts'

for (const [file, text] of printedFiles())
  writeFileSync(new URL(`../${file}`, import.meta.url), text)
