import { call } from '../api/desktop'
import { notifyDone, notifyError, notifyOffer } from './notify'

/** Says that something was deleted, with the way back. */
export const offerUndo = (title: string, deletion: string, message: string): void =>
  notifyOffer(title, message, { label: 'Undo', onClick: () => void undoDeletion(deletion) })

/** Brings back what a deletion put away. */
export async function undoDeletion(id: string): Promise<void> {
  try {
    const { title } = await call('deletions.undo', { id })
    notifyDone(`Brought back: ${title}.`)
  } catch (error) {
    notifyError('The deletion was not undone', error)
  }
}
