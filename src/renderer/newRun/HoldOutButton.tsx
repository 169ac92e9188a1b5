import { Button } from '@mantine/core'
import { IconCut } from '@tabler/icons-react'
import type { Recipe } from '../../shared/recipe'
import { useAction } from '../api/hooks'
import { notifyError } from '../components/notify'
import { withHeldOut } from './heldOut'

interface Props {
  readonly set: string
  readonly change: (change: (recipe: Recipe) => Recipe) => void
}

/** Parts the chosen set in two: a tenth of it becomes the text to evaluate on. */
export function HoldOutButton({ set, change }: Props) {
  const part = useAction('calibration.holdOut', ({ calibration, evaluation }) =>
    change((now) => withHeldOut(now, { calibration: calibration.name, evaluation: evaluation.name }))
  )
  return (
    <Button
      variant="light"
      size="xs"
      style={{ alignSelf: 'flex-start' }}
      leftSection={<IconCut size={14} aria-hidden />}
      loading={part.isPending}
      onClick={() => part.mutate({ name: set }, { onError: (error) => notifyError('Nothing was held out', error) })}
    >
      Hold out 10 % of {set}
    </Button>
  )
}
