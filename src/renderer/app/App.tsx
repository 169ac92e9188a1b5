import { MantineProvider } from '@mantine/core'
import { ModalsProvider } from '@mantine/modals'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { Router } from 'wouter'
import { queryClient } from '../api/queryClient'
import { ShortcutsProvider } from '../components/shortcuts'
import { EventBridge } from './EventBridge'
import { useHashLocation } from './hashLocation'
import { PageErrorBoundary } from './PageErrorBoundary'
import { Shell } from './Shell'
import { StoreGate } from './StoreGate'
import { cssVariables, theme } from './theme'

/** The window: theme, data, address, and the frame around every page. */
export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <ModalsProvider>
          {/* Sentences of several quantizers are long; none is cut. */}
          <Notifications position="bottom-right" notificationMaxHeight="60dvh" />
          <Router hook={useHashLocation}>
            <ShortcutsProvider>
              <EventBridge />
              <PageErrorBoundary>
                <StoreGate>
                  <Shell />
                </StoreGate>
              </PageErrorBoundary>
            </ShortcutsProvider>
          </Router>
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  )
}
