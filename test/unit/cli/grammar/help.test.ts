import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../../src/cli/commands'
import { commandHelp, groupHelp, overview } from '../../../../src/cli/grammar/help'
import { visible } from '../../../../src/shared/quoting'

describe('the help of every command', () => {
  const pages = [
    ['quail', overview(COMMANDS, '1.0.0')],
    ['runs', groupHelp('runs', COMMANDS)],
    ...COMMANDS.map((command) => [command.name, commandHelp(command)])
  ] as [string, string[]][]

  it.each(pages)('of %s is lines that the terminal prints as they are', (_, lines) => {
    for (const line of lines) expect(visible(line)).toBe(line)
  })

  it('explains in lines of a width that terminals have', () => {
    const long = COMMANDS.flatMap(({ name, details = '' }) =>
      details.split('\n').flatMap((line) => (line.length > 125 ? [`${name}: ${line}`] : []))
    )
    expect(long).toEqual([])
  })
})
