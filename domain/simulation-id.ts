/** The id under which the simulated cluster is watched, apart from the schemas of simulation.ts: the start page validates nothing. */
export const simulationId = 'simulated'
