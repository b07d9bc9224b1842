/** The pages of a cluster, in the order of their tabs; each is the name of its route and of its words (`cluster.page`). */
export const clusterPages = ['overview', 'services', 'drills', 'history', 'notifications', 'configuration'] as const
