/** Starts the screen. */
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n } from './i18n/speech.ts'
import { router } from './router.ts'
import './styles/element-plus.css'
import './styles/tokens.css'
import './styles/base.css'

createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
