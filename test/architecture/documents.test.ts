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

  const documents = files
    .filter((file) => file.endsWith('.md'))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
  const missing = (pattern: RegExp, exists: (name: string, file: string) => boolean) =>
    documents.flatMap(({ file, text }) =>
      [...text.matchAll(pattern)]
        .map(([, name = '']) => ({ file, name }))
        .filter(({ name }) => name !== '' && !exists(name, file))
    )

  test('every link of a document leads to a file of the repository', () => {
    const inRepository = (name: string, file: string): boolean =>
      /^https?:/.test(name) || existsSync(resolve(ROOT, dirname(file), name))
    expect(missing(/\]\(([^)#\s]+)/g, inRepository)).toEqual([])
  })

  test('every path that a document names is in the repository', () => {
    const inRepository = (name: string): boolean =>
      ['', 'src'].some((folder) => existsSync(join(ROOT, folder, name))) || NOT_OURS.has(name)
    const path = /`((?:src|test|scripts|resources|docs|bench|engine|services|store|renderer|workbench)\/[\w./-]+)`/g
    expect(missing(path, inRepository)).toEqual([])
  })

  test('every command of npm that a document names is a script', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(missing(/npm run (?:--silent )?([\w:][\w:-]*)/g, (name) => Object.hasOwn(scripts, name))).toEqual([])
  })
})
