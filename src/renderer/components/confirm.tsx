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

/** Titles of the questions that are on the screen. */
const open = new Set<string>()

/**
 * Asks once before something that cannot be undone; resolves with the answer. The same question over itself, after a double
 * click, is no second one: it is answered with no.
 */
export async function confirm(question: Question): Promise<boolean> {
  if (open.has(question.title)) return false
  open.add(question.title)
  try {
    return await ask(question)
  } finally {
    open.delete(question.title)
  }
}

const ask = ({ title, body, confirm: label, danger = true }: Question): Promise<boolean> =>
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
