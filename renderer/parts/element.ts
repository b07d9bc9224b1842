/**
 * Element Plus declares the props of these two so that vue-tsc takes the declaration for the value's type. Here they carry the
 * props this screen gives them.
 */
import { ElOption, ElSelect } from 'element-plus'
import type { DefineComponent } from 'vue'

export const Option = ElOption as unknown as DefineComponent<{ value: string; label: string }>

export const Select = ElSelect as unknown as DefineComponent<{
  id?: string
  modelValue: string
  'onUpdate:modelValue'?: (chosen: string) => void
  filterable?: boolean
  allowCreate?: boolean
  defaultFirstOption?: boolean
  placeholder?: string
  noDataText?: string
}>
