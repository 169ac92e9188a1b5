import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

/** Names that files of other projects, or files that Quail writes, have: they are no documents of this repository. */
const NOT_OURS = new Set(['README.md', 'SKILL.md', 'MODEL_CARD.md'])

const tracked = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', ...patterns], { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)

/** Documents that a text names, such as `docs/numerics.md`, or the target of a Markdown link. */
const named = (text: string): string[] => [...text.matchAll(/[\w./-]*\w\.md\b/g)].map(([name]) => name)

const found = (file: string, name: string): boolean =>
  NOT_OURS.has(name) || existsSync(join(ROOT, name)) || existsSync(resolve(ROOT, dirname(file), name))

describe('references to documents', () => {
  const files = tracked('src', 'bench', 'scripts', 'docs/*.md', 'docs/decisions/*.md', 'README.md', 'CONTRIBUTING.md')
  const texts = files.filter((file) => /\.(ts|tsx|mjs|py|md)$/.test(file))
  const references = texts.flatMap((file) =>
    named(readFileSync(join(ROOT, file), 'utf8')).map((name) => ({ file, name }))
  )

  test('there are some', () => expect(references.length).toBeGreaterThan(20))

  test('every document that a file names is in the repository', () => {
    expect(references.filter(({ file, name }) => !found(file, name))).toEqual([])
  })

  test('a section of a document is named by its heading, not by a sign that the document does not have', () => {
    const numbered = texts.filter((file) => /\.md §/.test(readFileSync(join(ROOT, file), 'utf8')))
    expect(numbered).toEqual([])
  })
})
