/** Element Plus' provider with its props, apart from element.ts: the frame has it, and is not to load what the forms need. */
import { ElConfigProvider } from 'element-plus'
import type { Language } from 'element-plus/es/locale'
import type { DefineComponent } from 'vue'

export const ConfigProvider = ElConfigProvider as unknown as DefineComponent<{ locale: Language }>
