import { Text, type TextProps, Tooltip } from '@mantine/core'
import { formatExact, formatRelative } from '../format/time'
import { useNow } from './useNow'

/** How long ago something was, exact on hover. */
export function RelativeTime({ atMs, ...props }: { readonly atMs: number } & TextProps) {
  const now = useNow()
  return (
    <Tooltip label={formatExact(atMs)}>
      <Text span inherit {...props}>
        {formatRelative(atMs, now)}
      </Text>
    </Tooltip>
  )
}
