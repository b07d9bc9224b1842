/**
 * The zone table: who may import whom, and what each zone may not touch. The compiler enforces most of it (one tsconfig per zone);
 * this catches what types cannot see. Everything else is left to Prettier and the compiler.
 */
import path from 'node:path'
import { defineConfigWithVueTs, vueTsConfigs } from '@vue/eslint-config-typescript'
import pluginVue from 'eslint-plugin-vue'

/** Zone → zones it may import besides itself. The longest matching folder is a file's zone. */
const zones = {
  domain: [],
  'agent/director': ['domain'],
  agent: ['domain', 'agent/director'],
  core: ['domain', 'core/demo'],
  'core/demo': ['domain', 'core', 'agent/director'],
  electron: ['domain', 'core'],
  cli: ['domain', 'core'],
  renderer: ['domain'],
  test: ['domain', 'agent/director', 'agent', 'core', 'core/demo', 'electron', 'cli', 'renderer'],
}

const names = Object.keys(zones).sort((a, b) => b.length - a.length)
const zoneOf = (file) => names.find((zone) => file === zone || file.startsWith(`${zone}/`))

/** Reports a relative import that leaves its zone for one the table does not allow. */
const importsFollowZones = {
  create(context) {
    const root = context.cwd
    const file = path.relative(root, context.filename)
    const zone = zoneOf(file)
    if (!zone || /\.(test|spec|lab)\.ts$/.test(file)) return {}
    const check = (source) => {
      if (!source || typeof source.value !== 'string' || !source.value.startsWith('.')) return
      const target = zoneOf(path.relative(root, path.resolve(path.dirname(context.filename), source.value)))
      if (target && target !== zone && !zones[zone].includes(target)) {
        context.report({
          node: source,
          message: `${zone}/ may not import ${target}/ (see the table in eslint.config.js).`,
        })
      }
    }
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
    }
  },
}

/** Files that decide: no clock, no chance, no world. (tsconfig `types: []` already hides Node, the DOM and timers.) */
const pureFiles = [
  'domain/**/*.ts',
  'agent/director/**/*.ts',
  'core/provision/{facts,look,finding,check-*,preflight,plan,shell,steps,*-steps,real-server-material,network-owner,load-socket,by-hand,script,windows,trace}.ts',
  'core/live/status.ts',
]

export default defineConfigWithVueTs(
  { ignores: ['out/**', 'dist/**', 'node_modules/**', 'test-results/**', 'playwright-report/**', '**/*.d.ts'] },
  { files: ['**/*.{ts,vue}'] },
  pluginVue.configs['flat/recommended'],
  vueTsConfigs.strict,
  {
    plugins: { shoal: { rules: { zones: importsFollowZones } } },
    rules: {
      'shoal/zones': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Formatting is Prettier's.
      'vue/max-attributes-per-line': 'off',
      'vue/html-self-closing': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      // One word for one thing: parts are called Picture, Lanes, …, as the glossary has it.
      'vue/multi-word-component-names': 'off',
      'vue/require-default-prop': 'off',
    },
  },
  {
    files: pureFiles,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        'Date',
        'performance',
        'crypto',
        'setTimeout',
        'setInterval',
        'fetch',
        'process',
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Pure files take chance as an argument.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ regex: '^(node:|electron$|ssh2$|node-ssh$|vue|pinia)', message: 'Pure files import no world.' }],
        },
      ],
    },
  },
  {
    files: ['agent/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.property.name=/Sync$/], CallExpression[callee.name=/Sync$/]',
          message: 'A blocked loop is a missed heartbeat: no …Sync call in the agent.',
        },
      ],
    },
  },
  {
    files: ['renderer/**/*.{ts,vue}'],
    ignores: ['renderer/vite.config.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^(node:|electron$|ssh2$|node-ssh$)', message: 'The renderer knows the domain and one Bridge.' },
          ],
        },
      ],
    },
  },
  {
    files: ['core/**/*.ts', 'domain/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^electron$', message: 'The core never knows its window.' }] },
      ],
    },
  },
)
