import { Button } from '@mantine/core'
import { IconMapQuestion } from '@tabler/icons-react'
import { Link, useLocation } from 'wouter'
import { EmptyState } from '../components/EmptyState'

export function NotFoundPage() {
  const [location] = useLocation()
  return (
    <EmptyState
      icon={<IconMapQuestion />}
      title="There is no such page"
      action={
        <Button component={Link} href="/">
          Go to Home
        </Button>
      }
    >
      Nothing answers to {location}.
    </EmptyState>
  )
}
