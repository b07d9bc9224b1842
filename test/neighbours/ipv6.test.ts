/** IPv6 stands in directives of Shoal's own: to every neighbour it is said that it was left out, and the rest is as without it. */
import { expect, test } from 'vitest'
import { exporters, formats } from '../../domain/neighbours/convert.ts'
import { expectNoLineVanishes } from './sources.ts'

const plain = `primary = 192.0.2.1
network = direct
virtual web {
     active = 1
     address = 192.0.2.9 eth0:1
     port = 80
     server one {
         address = 10.0.0.1
         active = 1
     }
}
`
const both = plain
  .replace(
    '     port',
    '     # shoal: address6 = 2001:db8::9/64\n     # shoal: sorry_server6 = 2001:db8::99\n     port',
  )
  .replace('         active', '         # shoal: address6 = 2001:db8::a1\n         active')
const alone = both
  .replace('web', 'six')
  .replace(/^ *address = .*\n/gm, '')
  .replace('::9/64', '::8/64 eth0')
const text = both + alone.slice(alone.indexOf('virtual'))

test.each(formats)('%s', (format) => {
  const exported = exporters[format](text)
  const written = JSON.stringify(exported)
  expect(written).not.toContain('2001:db8')
  expectNoLineVanishes(text, exported.report, /^}/)
  const lost = exported.report.entries.flatMap(({ problem }) =>
    /lost/.test(problem.code) ? [`${problem.code} ${String(problem.detail?.['what'])}`] : [],
  )
  expect(lost).toContain('convert-lost-ipv6 virtual six')
  for (const name of ['address6', 'sorry_server6']) expect(lost).toContain(`convert-lost-word ${name}`)
})
