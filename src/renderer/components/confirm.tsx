import { Text } from '@mantine/core'
import { modals } from '@mantine/modals'
import type { ReactNode } from 'react'
import { openerOf } from './opener'

interface Question {
  readonly title: string
  /** Names what will be lost: size and count. */
  readonly body: ReactNode
  /** The verb of the button: "Delete 3 runs". */
  readonly confirm: string
  readonly danger?: boolean
}

/** Asks once before something that cannot be undone; resolves with the answer. */
export const confirm = ({ title, body, confirm: label, danger = true }: Question): Promise<boolean> =>
  new Promise((answer) => {
    // The question leads back to what has the focus when it opens.
    openerOf()?.focus({ preventScroll: true })
    modals.openConfirmModal({
      title,
      children: <Text size="sm">{body}</Text>,
      labels: { confirm: label, cancel: 'Cancel' },
      confirmProps: danger ? { color: 'red' } : {},
      onConfirm: () => answer(true),
      onCancel: () => answer(false),
      onClose: () => answer(false)
    })
  })
