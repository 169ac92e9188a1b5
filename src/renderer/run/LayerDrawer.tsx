import { ActionIcon, Drawer, Group, Stack, Text } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { useMemo } from 'react'
import type { RunProof } from '../../shared/contract/proof'
import { useCall } from '../api/hooks'
import { QueryView } from '../components/QueryView'
import { usePageShortcuts } from '../components/shortcuts'
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
  const [previous, next] = layer === undefined ? [] : [order[at - 1], order[at + 1]]
  const shortcuts = useMemo(() => {
    // While no layer is open the page keeps its arrow keys.
    if (layer === undefined) return []
    const go = (to: string | undefined) => () => to !== undefined && onOpen(to)
    return [
      { keys: 'J', label: 'Layer: the next one', action: go(next) },
      { keys: 'ArrowRight', label: 'Layer: the next one', action: go(next) },
      { keys: 'K', label: 'Layer: the one before', action: go(previous) },
      { keys: 'ArrowLeft', label: 'Layer: the one before', action: go(previous) }
    ]
  }, [layer, next, previous, onOpen])
  usePageShortcuts(shortcuts)
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
            disabled={previous === undefined}
            onClick={() => previous !== undefined && onOpen(previous)}
            icon={<IconChevronLeft size={16} aria-hidden />}
          />
          <Step
            label="Next layer"
            disabled={next === undefined}
            onClick={() => next !== undefined && onOpen(next)}
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
