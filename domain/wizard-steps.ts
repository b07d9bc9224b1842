/** The steps of the wizard in their order, apart from the schemas of cluster.ts: the start page names them and validates nothing. */
export const wizardSteps = [
  'topology',
  'directors',
  'virtual-ip',
  'services',
  'real-servers',
  'failure',
  'review',
  'build',
  'served',
] as const
