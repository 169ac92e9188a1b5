import { ActionIcon, Drawer, Group, Stack, Text } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import type { RunProof } from '../../shared/contract/proof'
import { useCall } from '../api/hooks'
import { QueryView } from '../components/QueryView'
import { LayerDetails } from './LayerDetails'

interface Props {
  readonly run: RunProof
  /** The layer that is open; undefined while none is. */
  readonly layer: string | undefined
  /** All layers, in the order in which the drawer goes through them. */
  readonly order: readonly string[]
  readonly variant: string
  readonly onVariant: (variant: string) => void
  readonly onOpen: (layer: string) => void
  readonly onClose: () => void
}

/** One layer at the right of the page; arrow keys or J and K go through the others. */
export function LayerDrawer({ run, layer, order, variant, onVariant, onOpen, onClose }: Props) {
  const at = layer === undefined ? -1 : order.indexOf(layer)
  const step = (by: number): void => {
    const next = order[at + by]
    if (layer !== undefined && next !== undefined) onOpen(next)
  }
  useHotkeys([
    ['ArrowRight', () => step(1)],
    ['ArrowLeft', () => step(-1)],
    ['J', () => step(1)],
    ['K', () => step(-1)]
  ])
  return (
    <Drawer
      opened={layer !== undefined}
      onClose={onClose}
      position="right"
      size={620}
      overlayProps={{ backgroundOpacity: 0.25 }}
      transitionProps={{ duration: 120 }}
      closeButtonProps={{ 'aria-label': 'Close the layer' }}
      title={
        <Group gap="xs" wrap="nowrap">
          <Step
            label="Previous layer"
            disabled={at <= 0}
            onClick={() => step(-1)}
            icon={<IconChevronLeft size={16} aria-hidden />}
          />
          <Step
            label="Next layer"
            disabled={at < 0 || at + 1 >= order.length}
            onClick={() => step(1)}
            icon={<IconChevronRight size={16} aria-hidden />}
          />
          <Stack gap={0} miw={0}>
            <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
              {layer}
            </Text>
            {at >= 0 && (
              <Text size="xs" c="dimmed">
                {at + 1} of {order.length}, worst first
              </Text>
            )}
          </Stack>
        </Group>
      }
    >
      {layer !== undefined && <Body run={run} layer={layer} variant={variant} onVariant={onVariant} />}
    </Drawer>
  )
}

interface StepProps {
  readonly label: string
  readonly disabled: boolean
  readonly onClick: () => void
  readonly icon: React.ReactNode
}

const Step = ({ label, disabled, onClick, icon }: StepProps) => (
  <ActionIcon variant="default" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
    {icon}
  </ActionIcon>
)

type BodyProps = Pick<Props, 'run' | 'variant' | 'onVariant'> & { readonly layer: string }

function Body({ run, layer, variant, onVariant }: BodyProps) {
  const query = useCall('proof.layer', { id: run.id, layer }, { keepPrevious: true })
  return (
    <QueryView query={query} failure={`The figures of ${layer} could not be read`} rows={6}>
      {(results) =>
        results.length === 0 ? (
          <Text size="sm" c="dimmed">
            Nothing is known of this layer yet.
          </Text>
        ) : (
          <LayerDetails run={run} results={results} variant={variant} onVariant={onVariant} />
        )
      }
    </QueryView>
  )
}
