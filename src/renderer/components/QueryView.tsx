import { Skeleton, Stack } from '@mantine/core'
import { useTimeout } from '@mantine/hooks'
import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { AppError } from '../../shared/errors'
import { type Elsewhere, ErrorCard } from './ErrorCard'
import { PageFrame } from './PageFrame'

interface Props<T> {
  readonly query: UseQueryResult<T, AppError>
  /** Heading of the error: "The runs could not be read". */
  readonly failure: string
  /** Where the data make the whole page: what it is called as long as there is nothing but an error. */
  readonly page?: string
  /** The list that names what there is: what an address, a link or a deletion made an end of is not found by asking again. */
  readonly elsewhere?: Elsewhere
  readonly children: (data: T) => ReactNode
  readonly rows?: number
}

/** The data of a query; nothing in the first moment, then a skeleton, or what went wrong with a way to try again. */
export function QueryView<T>({ query, failure, page, elsewhere, children, rows = 4 }: Props<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>
  if (query.error === null) return <LateSkeleton rows={rows} />
  const again = (): void => void query.refetch()
  const card = <ErrorCard title={failure} error={query.error} onRetry={again} elsewhere={elsewhere} />
  return page === undefined ? card : <PageFrame title={page}>{card}</PageFrame>
}

/** Answers that come at once should not flash grey bars. */
function LateSkeleton({ rows }: { readonly rows: number }) {
  const [shown, setShown] = useState(false)
  useTimeout(() => setShown(true), 250, { autoInvoke: true })
  if (!shown) return null
  return (
    <Stack gap="sm" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are alike and never move
        <Skeleton key={row} height={36} radius="sm" />
      ))}
    </Stack>
  )
}
