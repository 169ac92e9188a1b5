/*
 * Windows that are tested beside each other are each on a screen of their own, so that none takes focus or clipboard from
 * another: the processes of tests are numbered from 1 on.
 */
const displays = process.env.QUAIL_DISPLAYS?.split(' ') ?? []
const display = displays[Number(process.env.VITEST_POOL_ID) - 1]
if (displays.length > 0 && display === undefined) throw new Error(`no display for worker ${process.env.VITEST_POOL_ID}`)
if (display !== undefined) process.env.DISPLAY = display
