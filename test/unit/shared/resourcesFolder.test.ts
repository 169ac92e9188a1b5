import { expect, test } from 'vitest'
import { resourcesFolder } from '../../../src/shared/resourcesFolder'

test('resources lie in the repository, and beside the archive of a package', () => {
  expect(resourcesFolder('/home/me/quail/')).toBe('/home/me/quail/resources')
  expect(resourcesFolder('/home/me/quail')).toBe('/home/me/quail/resources')
  expect(resourcesFolder('/usr/lib/quail/resources/app.asar')).toBe('/usr/lib/quail/resources/resources')
  expect(resourcesFolder('/usr/lib/quail/resources/app.asar/')).toBe('/usr/lib/quail/resources/resources')
  expect(resourcesFolder('C:\\Quail\\resources\\app.asar')).toBe('C:\\Quail\\resources\\resources')
})
