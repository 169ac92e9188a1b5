import { Text, type TextProps, Tooltip } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { formatExact, formatRelative } from '../format/time'

/** How long ago something was, exact on hover. */
export function RelativeTime({ atMs, ...props }: { readonly atMs: number } & TextProps) {
  const [now, setNow] = useState(Date.now)
  useInterval(() => setNow(Date.now()), 30_000, { autoInvoke: true })
  return (
    <Tooltip label={formatExact(atMs)}>
      <Text span inherit {...props}>
        {formatRelative(atMs, now)}
      </Text>
    </Tooltip>
  )
}
