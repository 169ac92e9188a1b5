import { describe, expect, it } from 'vitest'
import { strftime } from '../../../../src/engine/templates/strftime'

const EVERY =
  '%a|%A|%b|%B|%C|%d|%e|%g|%G|%h|%H|%I|%j|%k|%l|%m|%M|%p|%P|%S|%u|%U|%V|%w|%W|%y|%Y|%z|%Z|%%|%c|%D|%F|%r|%R|%T|%x|%X|%-d|%-m|%_m|%0e|%^B|%^a|%f'

describe('strftime', () => {
  // datetime.datetime(…).strftime(EVERY) of Python 3.11, glibc.
  it.each([
    [
      '2026-11-07',
      'Sat|Saturday|Nov|November|20|07| 7|26|2026|Nov|00|12|311| 0|12|11|00|AM|am|00|6|44|45|6|44|26|2026|||%|Sat Nov  7 00:00:00 2026|11/07/26|2026-11-07|12:00:00 AM|00:00|00:00:00|11/07/26|00:00:00|7|11|11|07|NOVEMBER|SAT|000000'
    ],
    [
      '2027-01-01',
      'Fri|Friday|Jan|January|20|01| 1|26|2026|Jan|00|12|001| 0|12|01|00|AM|am|00|5|00|53|5|00|27|2027|||%|Fri Jan  1 00:00:00 2027|01/01/27|2027-01-01|12:00:00 AM|00:00|00:00:00|01/01/27|00:00:00|1|1| 1|01|JANUARY|FRI|000000'
    ],
    [
      '2024-12-30',
      'Mon|Monday|Dec|December|20|30|30|25|2025|Dec|00|12|365| 0|12|12|00|AM|am|00|1|52|01|1|53|24|2024|||%|Mon Dec 30 00:00:00 2024|12/30/24|2024-12-30|12:00:00 AM|00:00|00:00:00|12/30/24|00:00:00|30|12|12|30|DECEMBER|MON|000000'
    ],
    [
      '2024-02-29',
      'Thu|Thursday|Feb|February|20|29|29|24|2024|Feb|00|12|060| 0|12|02|00|AM|am|00|4|08|09|4|09|24|2024|||%|Thu Feb 29 00:00:00 2024|02/29/24|2024-02-29|12:00:00 AM|00:00|00:00:00|02/29/24|00:00:00|29|2| 2|29|FEBRUARY|THU|000000'
    ]
  ])('writes %s as Python does', (day, expected) => {
    expect(strftime(EVERY, day)).toBe(expected)
  })

  it.each(['%Q', '%', '%#B', '%-c', '100%'])('refuses %s by name', (format) => {
    expect(() => strftime(format, '2026-11-27')).toThrow(/^strftime_now knows no "%/)
  })
})
