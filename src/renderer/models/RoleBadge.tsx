import { Badge, Tooltip } from '@mantine/core'
import { ROLE_REASONS, type TensorRole } from '../../shared/inspection'

const COLORS: Readonly<Record<TensorRole, string>> = {
  quantized: 'teal',
  experts: 'grape',
  embedding: 'blue',
  head: 'blue',
  norm: 'gray',
  bias: 'gray',
  other: 'gray',
  unused: 'orange'
}

/** What a tensor is to the model; why it is quantized or not on hover. */
export function RoleBadge({ role }: { readonly role: TensorRole }) {
  return (
    <Tooltip label={ROLE_REASONS[role]} multiline maw={360}>
      <Badge variant="light" size="sm" color={COLORS[role]} tt="none" fw={500} miw="max-content">
        {role}
      </Badge>
    </Tooltip>
  )
}
