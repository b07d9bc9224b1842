/** What the wizard suggests is sound: forwarding methods from plain answers, service templates that pass the checks. */
import { describe, expect, it } from 'vitest'
import { checkDraft } from '../../domain/cluster-lvscf.ts'
import { forwardingFor } from '../../domain/forwarding.ts'
import { servicesOf, serviceTemplates } from '../../domain/service-templates.ts'
import { fullDraft } from './fake-core.ts'

describe('not sure how packets should flow', () => {
  it.each([
    [{ portsDiffer: false, serversMayChange: true, sameSegment: true }, 'direct'],
    [{ portsDiffer: false, serversMayChange: true, sameSegment: false }, 'tunnel'],
    [{ portsDiffer: true, serversMayChange: true, sameSegment: true }, 'nat'],
    [{ portsDiffer: false, serversMayChange: false, sameSegment: true }, 'nat'],
  ] as const)('%o suits %s', (answers, method) => {
    expect(forwardingFor(answers)).toBe(method)
  })
})

describe('service templates', () => {
  it.each(serviceTemplates.filter((template) => template !== 'other'))(
    '%s needs nothing to be corrected',
    (template) => {
      const draft = { ...fullDraft('d'), services: servicesOf(template, []) }
      expect(checkDraft(draft)).toEqual([])
    },
  )

  it('asks only for the port of another service', () => {
    const draft = { ...fullDraft('d'), services: servicesOf('other', []) }
    expect(checkDraft(draft).map((problem) => problem.where)).toEqual([{ kind: 'field', path: 'services.0.port' }])
  })

  it('gives names and ids that are not taken', () => {
    const twice = servicesOf('web-sticky', servicesOf('web-sticky', []))
    expect(twice.map((service) => service.name)).toEqual(['web2', 'web-tls2'])
    expect(twice.map((service) => service.id)).toEqual(['service-3', 'service-4'])
  })
})
