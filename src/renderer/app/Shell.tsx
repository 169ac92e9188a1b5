import { AppShell, Box, Overlay, Text } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useCallback } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { Header } from './Header'
import { NotFoundPage } from './NotFoundPage'
import { openPaths } from './openPaths'
import { PageErrorBoundary } from './PageErrorBoundary'
import { Palette } from './Palette'
import { Rail } from './Rail'
import { ROUTES } from './routes'
import { ThemeBridge } from './ThemeBridge'
import { useCutTitles } from './useCutTitles'
import { useFileDrop } from './useFileDrop'

/** The frame around every page: rail, header with the running job, command palette, drops. */
export function Shell() {
  const [location, navigate] = useLocation()
  const hovering = useFileDrop(useCallback((paths: string[]) => void openPaths(paths, navigate), [navigate]))
  useCutTitles()
  useHotkeys([['mod+N', () => navigate('/new')]])
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 84, breakpoint: 0 }} padding="lg">
      <AppShell.Header>
        <Header />
      </AppShell.Header>
      <AppShell.Navbar>
        <Rail />
      </AppShell.Navbar>
      <AppShell.Main>
        <PageErrorBoundary resetKey={location}>
          <Switch>
            {ROUTES.map(({ path, page }) => (
              <Route key={path} path={path}>
                {page()}
              </Route>
            ))}
            <Route>
              <NotFoundPage />
            </Route>
          </Switch>
        </PageErrorBoundary>
      </AppShell.Main>
      <Palette />
      <ThemeBridge />
      {hovering && <DropHint />}
    </AppShell>
  )
}

function DropHint() {
  return (
    <Overlay fixed zIndex={1000} backgroundOpacity={0.6} style={{ pointerEvents: 'none' }}>
      <Box style={{ display: 'grid', placeItems: 'center', height: '100%' }}>
        <Text size="xl" fw={600} c="white">
          Drop a checkpoint folder, a text, a recipe or a run bundle
        </Text>
      </Box>
    </Overlay>
  )
}
