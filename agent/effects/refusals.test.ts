/** The rules that hold refusals back, as the tools are told them, and what is left of them. */
import { expect, it } from 'vitest'
import { iptablesRefusals, nftRefusals } from './refusals.ts'

it('nft gets one table, replaced as a whole, that drops resets from the virtual IPs and nothing else', () => {
  expect(nftRefusals(['192.168.2.27', '192.168.2.28', '2001:db8::27'])).toBe(
    `table inet shoal_handover
delete table inet shoal_handover
table inet shoal_handover {
  chain output {
    type filter hook output priority 0; policy accept;
    ip saddr { 192.168.2.27, 192.168.2.28 } tcp flags & rst == rst drop
    ip6 saddr { 2001:db8::27 } tcp flags & rst == rst drop
  }
}
`,
  )
  expect(nftRefusals([])).not.toContain('chain')
})

it('iptables gets a chain of its own, hooked once however often it is made', () => {
  const made = iptablesRefusals(['192.168.2.27'], '*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n')
  expect(made).toBe(
    '*filter\n:SHOAL-HANDOVER - [0:0]\n-A SHOAL-HANDOVER -s 192.168.2.27/32 -p tcp --tcp-flags RST RST -j DROP\n-I OUTPUT -j SHOAL-HANDOVER\nCOMMIT\n',
  )
  const saved =
    '*filter\n:OUTPUT ACCEPT [0:0]\n:SHOAL-HANDOVER - [0:0]\n-A OUTPUT -j SHOAL-HANDOVER\n-A OUTPUT -j LOG\nCOMMIT\n'
  const again = iptablesRefusals(['192.168.2.27'], saved)
  expect(again?.match(/-D OUTPUT -j SHOAL-HANDOVER/g)).toHaveLength(1)
  expect(again?.match(/-I OUTPUT -j SHOAL-HANDOVER/g)).toHaveLength(1)
  expect(iptablesRefusals(['2001:db8::27'], '')).toContain('-s 2001:db8::27/128')
})

it('taken away, nothing is left; what is not there is not touched', () => {
  const saved = '*filter\n:SHOAL-HANDOVER - [0:0]\n-A OUTPUT -j SHOAL-HANDOVER\nCOMMIT\n'
  expect(iptablesRefusals([], saved)).toBe(
    '*filter\n-D OUTPUT -j SHOAL-HANDOVER\n-F SHOAL-HANDOVER\n-X SHOAL-HANDOVER\nCOMMIT\n',
  )
  expect(iptablesRefusals([], '*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n')).toBeNull()
})
