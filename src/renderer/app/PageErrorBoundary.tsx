import { Box, Button, Stack } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { ErrorCard } from '../components/ErrorCard'

interface Props {
  readonly children: ReactNode
  /** A new value clears the error: another page was opened. */
  readonly resetKey?: string
}

/** A defect in one page does not take the window along. */
export class PageErrorBoundary extends Component<Props, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override componentDidUpdate(before: Props): void {
    if (before.resetKey !== this.props.resetKey && this.state.error !== null) this.setState({ error: null })
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <Box p="md">
        <Stack>
          <ErrorCard
            title="This page stopped working"
            error={{ code: 'INTERNAL', message: error.message, stack: error.stack }}
            onRetry={() => this.setState({ error: null })}
          />
          <Button variant="default" onClick={() => window.location.assign('#/')} style={{ alignSelf: 'flex-start' }}>
            Go to Home
          </Button>
        </Stack>
      </Box>
    )
  }
}
