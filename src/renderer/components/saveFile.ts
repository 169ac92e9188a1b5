import { call } from '../api/desktop'
import { baseName } from '../format/paths'
import { notifyDone, notifyError } from './notify'

export interface FileToSave {
  readonly name: string
  readonly content: string
  readonly encoding?: 'utf8' | 'base64'
}

/** Asks where a file shall go, writes it, and says so. */
export async function saveFile({ name, content, encoding = 'utf8' }: FileToSave): Promise<void> {
  try {
    // Names come from models and recipes; what a file system would take for a folder does not belong into one.
    const path = await call('app.save', { name: name.replace(/[\\/:*?"<>|]/g, '-'), content, encoding })
    if (path !== null) notifyDone(`Saved ${baseName(path)}`)
  } catch (error) {
    notifyError(`${name} could not be saved`, error)
  }
}
