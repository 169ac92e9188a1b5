import { describe, expect, it } from 'vitest'
import { explosivePart } from '../../../../src/engine/calibration/regexShape'

describe('regular expressions of tokenizers in use', () => {
  it.each([
    ['GPT-2', "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
    [
      'Llama 3',
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
    ],
    [
      'cl100k, possessive',
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"
    ],
    [
      'o200k',
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\s+"
    ],
    [
      'Tekken, rewritten',
      '[^\\r\\n\\p{L}\\p{N}]?((?=[\\p{L}])([^a-z]))*((?=[\\p{L}])([^A-Z]))+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*'
    ],
    [
      'DeepSeek',
      '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*'
    ],
    ['BLOOM', ' ?[^(\\s|[.,!?…。，、।۔،])]+'],
    ['digits in threes from the right', '(?<=\\d)(?=(?:\\d{3})+(?!\\d))|\\d{1,3}(?=(?:\\d{3})*\\b)'],
    [
      'Kimi',
      '[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}&&[^\\p{Han}]]*[\\p{Ll}\\p{Lm}&&[^\\p{Han}]]+|\\s+(?!\\S)'
    ],
    ['a repetition of alternatives that nothing follows', '(?:\\r\\n|\\r|\\n)+|x'],
    ['atomic inside', '(?>a+)+b'],
    ['few repetitions', '(?:a|b){1,3}c']
  ])('pass: %s', (_, pattern) => expect(explosivePart(pattern)).toBeUndefined())
})

describe('regular expressions that may never end', () => {
  it.each([
    ['(a+)+$', '(a+)+'],
    ['(?:a|a)*b', '(?:a|a)*'],
    ['x|(?i:(\\w|\\d)+)!', '(\\w|\\d)+'],
    ['((ab?)*)c', '(ab?)*'],
    ['(?=(a*)*b)', '(a*)*'],
    ['(?:a{1,3}){4,}b', '(?:a{1,3}){4,}'],
    ['a{1,3}+b', 'a{1,3}+'],
    ['(?:(?:a+b?)*c){2}', '(?:a+b?)*'],
    ['[(]\\s*\\s*\\s*x', '\\s*\\s*\\s*']
  ])('are found: %s', (pattern, part) => expect(explosivePart(pattern)).toBe(part))
})
