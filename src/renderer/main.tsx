import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import './global.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { restoreLocation } from './app/lastLocation'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id "root"')

restoreLocation()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>
)
