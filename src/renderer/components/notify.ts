import { notifications } from '@mantine/notifications'
import { AppError } from '../../shared/errors'

/** A short word that something was done. */
export const notifyDone = (message: string): void => {
  notifications.show({ message, color: 'teal', withBorder: true })
}

/** Says what an action failed with; a cancelled one says nothing. */
export const notifyError = (title: string, error: unknown): void => {
  if (error instanceof AppError && error.code === 'CANCELLED') return
  const message = error instanceof Error ? error.message : String(error)
  notifications.show({ title, message, color: 'orange', withBorder: true, autoClose: 12_000 })
}
