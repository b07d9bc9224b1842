/** The other half of the schedules of faults: see any-schedule.test.ts. */
import { heldFor } from './held.ts'

heldFor('second')
