import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { hasVulkanDriver, vulkanDrivers } from '../../../../src/engine/graph/devices/vulkanDrivers'

/** A folder with one driver's file below it, as the loader finds it below each of its own. */
function folderWith(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quail-vulkan-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'vulkan/icd.d'), { recursive: true })
  writeFileSync(join(folder, 'vulkan/icd.d', name), '{}')
  return folder
}

it.each(['XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_HOME', 'XDG_DATA_DIRS'])(
  'finds drivers below %s',
  async (name) => {
    const environment = { [name]: folderWith('quailtest_icd.x86_64.json') }
    expect(await vulkanDrivers(environment)).toContain('quailtest')
    expect(await hasVulkanDriver(environment)).toBe(true)
  }
)

it('takes those that the environment names for all there are', async () => {
  const environment = {
    VK_ICD_FILENAMES: '/a/vk_swiftshader_icd.json:/b/lvp_icd.json',
    XDG_DATA_HOME: folderWith('own_icd.json')
  }
  expect(await vulkanDrivers(environment)).toEqual(['lvp', 'vk_swiftshader'])
})

it('counts folders that the environment names as drivers: the loader looks into them', async () => {
  expect(await hasVulkanDriver({ VK_DRIVER_FILES: '/opt/drivers' })).toBe(true)
  expect(await hasVulkanDriver({ VK_ADD_DRIVER_FILES: '/opt/drivers' })).toBe(true)
})
