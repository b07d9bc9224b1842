/** Half of the schedules of faults; the other half is in any-other-schedule.test.ts, so that two processors share them. */
import { heldFor } from './held.ts'

heldFor('first')
