/** The map of the app. Hash addresses, so that it works from a file as well as from a port; every page but the first is loaded when needed. */
import { createRouter, createWebHashHistory } from 'vue-router'
import { noteOutdated } from './bridge.ts'
import StartPage from './pages/StartPage.vue'

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', name: 'start', component: StartPage },
    { path: '/set-up', name: 'new', component: () => import('./pages/wizard/WizardPage.vue') },
    { path: '/set-up/:id', name: 'draft', component: () => import('./pages/wizard/WizardPage.vue'), props: true },
    {
      path: '/cluster/:id',
      component: () => import('./pages/cluster/ClusterPage.vue'),
      props: true,
      children: [
        { path: '', name: 'overview', component: () => import('./pages/cluster/OverviewPage.vue') },
        { path: 'services', name: 'services', component: () => import('./pages/cluster/ServicesPage.vue') },
        { path: 'drills', name: 'drills', component: () => import('./pages/cluster/DrillsPage.vue') },
        { path: 'sheet', name: 'sheet', component: () => import('./pages/cluster/SheetPage.vue') },
        { path: 'history', name: 'history', component: () => import('./pages/cluster/HistoryPage.vue') },
        {
          path: 'notifications',
          name: 'notifications',
          component: () => import('./pages/cluster/NotificationsPage.vue'),
        },
        {
          path: 'configuration',
          name: 'configuration',
          component: () => import('./pages/cluster/ConfigurationPage.vue'),
        },
      ],
    },
    { path: '/settings', name: 'settings', component: () => import('./pages/SettingsPage.vue') },
    { path: '/document', name: 'document', component: () => import('./document/DocumentPage.vue') },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})

router.onError((error: unknown) => {
  if (error instanceof TypeError && /dynamically imported module|module script/i.test(error.message)) noteOutdated()
})
