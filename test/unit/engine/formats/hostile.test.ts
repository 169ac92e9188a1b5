import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import { readAdapterDirectory } from '../../../../src/engine/formats/readAdapter'
import { readSafetensorsHeader } from '../../../../src/engine/formats/safetensors'
import { AppError } from '../../../../src/shared/errors'
import { hostileCases, writeHostile, writeHostileDirectory } from '../../../helpers/hostileFile'

const root = mkdtempSync(join(tmpdir(), 'quail-hostile-'))
afterAll(() => rmSync(root, { recursive: true }))

const { safetensors, checkpoints, adapters } = hostileCases()

/** The error that reading ends with: its exact message is the contract, and its code leads to exit code 2. */
async function messageOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason
  )
  expect(error).toBeInstanceOf(AppError)
  expect(['BAD_INPUT', 'BAD_FORMAT']).toContain((error as AppError).code)
  return (error as AppError).message
}

describe('a safetensors file', () => {
  it.each(safetensors)('$name', async ({ file, error }) => {
    const path = join(root, 'hostile.safetensors')
    writeHostile(path, file)
    expect(await messageOf(readSafetensorsHeader(path))).toBe(error.replace('{path}', path))
  })
})

describe('a checkpoint', () => {
  it.each(checkpoints)('$name', async ({ name, files, error }) => {
    const directory = join(root, 'checkpoints', name)
    writeHostileDirectory(directory, files)
    expect(await messageOf(Checkpoint.open(directory))).toBe(error.replace('{path}', directory))
  })
})

describe('an adapter', () => {
  it.each(adapters)('$name', async ({ name, files, error }) => {
    const directory = join(root, 'adapters', name)
    writeHostileDirectory(directory, files)
    expect(await messageOf(readAdapterDirectory(directory))).toBe(error.replace('{path}', directory))
  })
})
