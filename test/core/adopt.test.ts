// A running cluster's file as a draft: what the draft holds is the same afterwards, what it does not hold is told.
import { describe, expect, it } from 'vitest'
import { inactiveOf, withActivity } from '../../domain/activity.ts'
import { adopt } from '../../domain/adopt.ts'
import { checkDraft, draftLvscf } from '../../domain/cluster-lvscf.ts'
import { check } from '../../domain/lvscf/check.ts'
import { newDocument } from '../../domain/lvscf/draft.ts'
import { importKeepalived } from '../../domain/neighbours/keepalived-import.ts'
import { webDraft } from './material.ts'

function configOf(text: string) {
  const { config, problems } = check(text)
  if (!config) throw new Error(JSON.stringify(problems))
  return config
}
const { directors } = webDraft()

describe('Piranha', () => {
  it('a file of ours comes back as the draft it was made of', () => {
    const web = webDraft()
    const { draft, left } = adopt('web-2', 'web', configOf(draftLvscf(web)), directors)
    expect(left).toEqual([])
    expect(checkDraft(draft).filter(({ severity }) => severity === 'block')).toEqual([])
    const meant = (text: string) => ({ ...configOf(text), serialNo: 0 })
    expect(meant(draftLvscf(draft))).toEqual(meant(draftLvscf(web)))
  })
  it('a real server that is not active in a service stays so', () => {
    const web = withActivity(webDraft(), { service: 'web', server: 'rs2' }, false)
    const { draft, left } = adopt('web-2', 'web', configOf(draftLvscf(web)), directors)
    expect(left).toEqual([])
    expect(inactiveOf(draft)).toEqual([{ service: 'web', server: 'rs2' }])
  })
  it('a second virtual IP comes with its services; an inactive service and a program check are told', () => {
    const text = `serial_no = 1
primary = 192.168.2.117
service = lvs
backup_active = 1
backup = 192.168.2.15
heartbeat = 1
keepalive = 6
deadtime = 18
network = direct
virtual web {
     active = 1
     address = 192.168.2.27 eth0:1
     port = 80
     persistent = 30
     send_program = "/usr/bin/check %h"
     expect = "OK"
     scheduler = wrr
     protocol = tcp
     server a {
         address = 192.168.2.243
         active = 1
         weight = 3
     }
}
virtual old {
     active = 0
     address = 192.168.2.27 eth0:1
     port = 81
     server a {
         address = 192.168.2.243
         active = 1
     }
}
virtual other {
     active = 1
     address = 192.168.2.28 eth0:2
     port = 82
     server a {
         address = 192.168.2.243
         active = 1
     }
}
`
    const { draft, left } = adopt('x', 'x', configOf(text), directors)
    expect(left.map(({ code, detail }) => [code, detail?.['service']])).toEqual([
      ['adopt-inactive', 'old'],
      ['adopt-check', 'web'],
    ])
    expect(draft.services).toMatchObject([
      { name: 'web', port: '80', scheduler: 'wrr', persistentS: '30', virtualIpId: '' },
      { name: 'other', port: '82', virtualIpId: 'vip-2' },
    ])
    expect(draft.virtualIp).toEqual({ address: '192.168.2.27', device: 'eth0:1', prefix: '32' })
    expect(draft.moreVirtualIps).toEqual([{ id: 'vip-2', address: '192.168.2.28', device: 'eth0:2', prefix: '32' }])
    expect(draft.realServers).toMatchObject([{ name: 'a', address: '192.168.2.243', weight: '3' }])
    expect(draft.failure).toMatchObject({ keepaliveMs: '6000', deadtimeMs: '18000' })
  })
})

describe('keepalived', () => {
  it('a virtual server of DR with its address comes over', () => {
    const text = `vrrp_instance web {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress {
    192.168.2.27/32 dev eth0
  }
}
virtual_server 192.168.2.27 80 {
  delay_loop 5
  lb_algo wrr
  lb_kind DR
  persistence_timeout 60
  protocol TCP
  real_server 192.168.2.243 80 {
    weight 2
    TCP_CHECK {
      connect_timeout 3
    }
  }
  real_server 192.168.2.111 80 {
    weight 1
    TCP_CHECK {
      connect_timeout 3
    }
  }
}
`
    const checked = check(newDocument(importKeepalived(text).draft))
    const config = checked.config ?? checked.served
    if (!config) throw new Error('no meaning')
    const { draft } = adopt('x', 'x', config, directors)
    expect(draft).toMatchObject({
      forwarding: 'direct',
      virtualIp: { address: '192.168.2.27' },
      services: [{ port: '80', scheduler: 'wrr', persistentS: '60', check: { kind: 'connect' } }],
      realServers: [
        { address: '192.168.2.243', weight: '2' },
        { address: '192.168.2.111', weight: '1' },
      ],
    })
    expect(checkDraft(draft).filter(({ severity }) => severity === 'block')).toEqual([])
  })
})
