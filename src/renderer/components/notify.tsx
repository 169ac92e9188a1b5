import { Button, Group, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { AppError } from '../../shared/errors'
import { Sentence } from './Sentence'

/** A short word that something was done. */
export const notifyDone = (message: string): void => {
  notifications.show({ message, color: 'teal', withBorder: true })
}

/** Says what an action failed with; a cancelled one says nothing. */
export const notifyError = (title: string, error: unknown): void => {
  if (error instanceof AppError && error.code === 'CANCELLED') return
  const message = error instanceof Error ? error.message : String(error)
  notifications.show({
    title,
    message: <Sentence>{message}</Sentence>,
    color: 'orange',
    withBorder: true,
    autoClose: 12_000
  })
}

interface Offer {
  readonly label: string
  readonly onClick: () => void
}

/** Says something with what can be done about it; stays long enough to be read and reached. */
export function notifyOffer(title: string, message: string, { label, onClick }: Offer, color = 'teal'): void {
  const id = notifications.show({
    title,
    color,
    withBorder: true,
    // Nobody saw it yet where the window is not looked at.
    autoClose: document.hasFocus() ? 30_000 : false,
    message: (
      <Group justify="flex-end" gap="sm">
        <Text size="sm" style={{ overflowWrap: 'anywhere', flex: '1 1 60%' }}>
          <Sentence>{message}</Sentence>
        </Text>
        <Button
          size="compact-sm"
          variant="default"
          style={{ flexShrink: 0 }}
          onClick={() => {
            notifications.hide(id)
            onClick()
          }}
        >
          {label}
        </Button>
      </Group>
    )
  })
}
