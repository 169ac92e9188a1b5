import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

/** The recipe files and run bundles that a command line names, as absolute paths. */
export function openedFiles(args: readonly string[], directory: string): string[] {
  return args
    .filter((argument) => !argument.startsWith('-'))
    .map((argument) => resolve(directory, argument))
    .filter((path) => existsSync(path) && statSync(path).isFile() && /\.(ya?ml|json|quailrun)$/i.test(path))
}
