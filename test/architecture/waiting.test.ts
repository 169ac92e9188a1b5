import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

/** The places, as `file: text`, that fit an expression. */
const places = (folder: string, pattern: RegExp): string[] =>
  execFileSync('git', ['ls-files', folder], { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file.endsWith('.ts') && file !== 'test/architecture/waiting.test.ts')
    .flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].map(([text]) => `${file}: ${text}`)
    )

/** What a locator tells of the page at once, whatever was just done to the page. */
const READS = 'count|(?:all)?(?:text|inner)Contents?|(?:all)?innerTexts?|innerHTML|inputValue|getAttribute|is[A-Z]\\w+'

describe('what is waited for', () => {
  test('has timers and signals of its own: AbortSignal.timeout and any lose theirs on Node 20 when garbage is collected', () => {
    expect(places('src', /(?<!\/\/.*)AbortSignal\.(?:timeout|any)\(/g)).toEqual([])
  })
})

describe('a test passes on a slow machine', () => {
  test('what the window shows is waited for: expect.poll(() => locator.count()), not expect(await locator.count())', () => {
    expect(
      places('test/e2e', new RegExp(`expect\\(\\s*await (?!.*page\\.evaluate)[^\\n]*\\.(?:${READS})\\(`, 'gi'))
    ).toEqual([])
  })

  test('the window has a minute for everything, and more where a test says so', () => {
    const short = places('test/e2e', /timeout: [\d_]+(?![\d_]| \*)/g).filter((place) => {
      const [, number = ''] = /timeout: ([\d_]+)$/.exec(place) ?? []
      return Number(number.replaceAll('_', '')) < 60_000
    })
    expect(short).toEqual([])
  })

  test('no time that passed is compared with a limit', () => {
    expect(places('test', /expect\([^\n]*(?:performance|Date)\.now\(\)[^\n]*\)\.\w+/g)).toEqual([])
  })
})
