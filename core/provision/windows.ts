/**
 * What an operator runs on a Windows real server: a PowerShell script. Windows has no arp_ignore: an address on a loopback adapter is
 * not answered for on other cards anyway, but packets for it that arrive there are dropped unless both adapters follow the weak host
 * model (RFC 1122 §3.3.4.2), which `netsh interface ipv4 set interface … weakhostreceive|weakhostsend` sets. Pure.
 *
 * Direct routing puts the virtual IP on a loopback adapter; NAT only needs the way back through the directors. A tunnel ends in no
 * Windows: it has no IPIP.
 */
import { clusterAddressOf } from '../../domain/cluster-lvscf.ts'
import type { ClusterDraft, HostDraft, ServiceDraft } from '../../domain/cluster.ts'
import { virtualIpOf, vipsOf } from '../../domain/virtual-ips.ts'

/** A word as one literal of PowerShell, whatever is in it. */
function literal(word: string): string {
  return `'${word.replaceAll("'", "''")}'`
}

/** Opens the firewall for every service where it arrives, and for a ping to each address. */
function firewallText(
  draft: ClusterDraft,
  addresses: readonly string[],
  arrivesAt: (service: ServiceDraft) => string,
): string {
  const rules = draft.services.flatMap((service) =>
    [service.realPort.trim() || service.port.trim(), ...service.morePorts.trim().split(/\s+/)]
      .filter((each) => /^\d+$/.test(each))
      .map((each) => ({ protocol: service.protocol.toUpperCase(), port: each, address: arrivesAt(service) })),
  )
  const lines = rules.map(
    ({ protocol, port, address }) =>
      `New-NetFirewallRule -DisplayName "$name ${protocol} ${port}" -Group $name -Direction Inbound -Action Allow -Protocol ${protocol} -LocalPort ${port} -LocalAddress ${address} | Out-Null`,
  )
  return `# The firewall lets the services in, and the ping by which a director asks whether the address is taken here.
Get-NetFirewallRule -Group $name -ErrorAction SilentlyContinue | Remove-NetFirewallRule
${lines.join('\n')}
New-NetFirewallRule -DisplayName "$name ping" -Group $name -Direction Inbound -Action Allow -Protocol ICMPv4 -IcmpType 8 -LocalAddress ${addresses.join(', ')} | Out-Null`
}

const removeFirewall = `Get-NetFirewallRule -Group $name -ErrorAction SilentlyContinue | Remove-NetFirewallRule`

/** Makes a root-enumerated device of Windows' own loopback driver, as "Add legacy hardware" does (SetupAPI). */
const makeAdapter = `  Add-Type -TypeDefinition @'
using System;
using System.Runtime.InteropServices;
using System.Text;
public static class ShoalLoopback {
  [StructLayout(LayoutKind.Sequential)]
  struct DevInfo { public int Size; public Guid Class; public int Inst; public IntPtr Reserved; }
  [DllImport("setupapi.dll", SetLastError = true)]
  static extern IntPtr SetupDiCreateDeviceInfoList(ref Guid cls, IntPtr parent);
  [DllImport("setupapi.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern bool SetupDiCreateDeviceInfoW(IntPtr set, string name, ref Guid cls, string text, IntPtr parent, int flags, ref DevInfo info);
  [DllImport("setupapi.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern bool SetupDiSetDeviceRegistryPropertyW(IntPtr set, ref DevInfo info, int property, byte[] value, int size);
  [DllImport("setupapi.dll", SetLastError = true)]
  static extern bool SetupDiCallClassInstaller(int function, IntPtr set, ref DevInfo info);
  [DllImport("setupapi.dll", SetLastError = true)]
  static extern bool SetupDiDestroyDeviceInfoList(IntPtr set);
  [DllImport("newdev.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern bool UpdateDriverForPlugAndPlayDevicesW(IntPtr parent, string hardwareId, string inf, int flags, out bool reboot);
  static void Must(bool done, string what) {
    if (!done) throw new System.ComponentModel.Win32Exception(Marshal.GetLastWin32Error(), what);
  }
  public static void Make() {
    Guid net = new Guid("4d36e972-e325-11ce-bfc1-08002be10318");
    IntPtr set = SetupDiCreateDeviceInfoList(ref net, IntPtr.Zero);
    if (set == new IntPtr(-1)) Must(false, "SetupDiCreateDeviceInfoList");
    try {
      DevInfo info = new DevInfo();
      info.Size = Marshal.SizeOf(typeof(DevInfo));
      Must(SetupDiCreateDeviceInfoW(set, "NET", ref net, null, IntPtr.Zero, 1, ref info), "SetupDiCreateDeviceInfo");
      byte[] id = Encoding.Unicode.GetBytes("*MSLOOP\\0\\0");
      Must(SetupDiSetDeviceRegistryPropertyW(set, ref info, 1, id, id.Length), "SetupDiSetDeviceRegistryProperty");
      Must(SetupDiCallClassInstaller(0x19, set, ref info), "DIF_REGISTERDEVICE");
    } finally { SetupDiDestroyDeviceInfoList(set); }
    bool reboot;
    string inf = Environment.GetEnvironmentVariable("windir") + "\\\\inf\\\\netloop.inf";
    Must(UpdateDriverForPlugAndPlayDevicesW(IntPtr.Zero, "*MSLOOP", inf, 0, out reboot), "UpdateDriverForPlugAndPlayDevices");
  }
}
'@
  [ShoalLoopback]::Make()
  $deadline = (Get-Date).AddSeconds(30)
  do { Start-Sleep -Milliseconds 500; $made = Loopback | Where-Object { $before -notcontains $_.InterfaceGuid } }
  until ($made -or (Get-Date) -gt $deadline)
  if (-not $made) { throw 'No loopback adapter appeared. Add "Microsoft KM-TEST Loopback Adapter" by hdwwiz.exe and run this again.' }
  $made | Select-Object -First 1 | Rename-NetAdapter -NewName $name`

function directText(own: string, draft: ClusterDraft): { readonly make: string; readonly remove: string } {
  const vips = vipsOf(draft)
  const kept = vips.length === 1 ? `-ne ${literal(vips[0] ?? '')}` : `-notin ${vips.map(literal).join(', ')}`
  return {
    make: `# 1. A loopback adapter of our own, of the driver Windows brings along.
function Loopback { Get-NetAdapter -IncludeHidden | Where-Object { $_.InterfaceDescription -like '*Loopback Adapter*' } }
if (-not (Get-NetAdapter -Name $name -ErrorAction SilentlyContinue)) {
  $before = @(Loopback | ForEach-Object { $_.InterfaceGuid })
${makeAdapter}
}
Enable-NetAdapter -Name $name -Confirm:$false

# 2. It carries the virtual IP${vips.length === 1 ? '' : 's'} and nothing else: no DNS registration, no sharing, no search for duplicates (the director has it too).
foreach ($part in 'ms_msclient', 'ms_server', 'ms_tcpip6', 'ms_lltdio', 'ms_rspndr', 'ms_pacer') {
  Disable-NetAdapterBinding -Name $name -ComponentID $part -ErrorAction SilentlyContinue
}
Set-DnsClient -InterfaceAlias $name -RegisterThisConnectionsAddress $false
Set-NetIPInterface -InterfaceAlias $name -AddressFamily IPv4 -Dhcp Disabled -DadTransmits 0 -InterfaceMetric 9000
Get-NetIPAddress -InterfaceAlias $name -AddressFamily IPv4 -ErrorAction SilentlyContinue |
  Where-Object { $_.IPAddress ${kept} } | Remove-NetIPAddress -Confirm:$false
${vips
  .map(
    (vip) => `if (-not (Get-NetIPAddress -InterfaceAlias $name -IPAddress ${vip} -ErrorAction SilentlyContinue)) {
  New-NetIPAddress -InterfaceAlias $name -IPAddress ${vip} -PrefixLength 32 -SkipAsSource $true | Out-Null
}`,
  )
  .join('\n')}

# 3. Weak host model: packets for the virtual IP are taken from the card, and answered from it.
$card = (Get-NetIPAddress -IPAddress ${own} -AddressFamily IPv4).InterfaceAlias
netsh interface ipv4 set interface "$card" weakhostreceive=enabled weakhostsend=enabled | Out-Null
if ($LASTEXITCODE -ne 0) { throw "netsh refused weakhostreceive on $card" }
netsh interface ipv4 set interface "$name" weakhostreceive=enabled weakhostsend=enabled | Out-Null
if ($LASTEXITCODE -ne 0) { throw "netsh refused weakhostreceive on $name" }

# 4. ${firewallText(draft, vips, (service) => virtualIpOf(draft, service).address).slice(2)}

# What it is now:
Get-NetIPAddress -InterfaceAlias $name -AddressFamily IPv4 | Format-Table InterfaceAlias, IPAddress, PrefixLength, AddressState
Get-NetIPInterface -InterfaceAlias $card, $name -AddressFamily IPv4 | Format-Table InterfaceAlias, WeakHostReceive, WeakHostSend, DadTransmits`,
    remove: `$card = (Get-NetIPAddress -IPAddress ${own} -AddressFamily IPv4).InterfaceAlias
netsh interface ipv4 set interface "$card" weakhostreceive=disabled weakhostsend=disabled | Out-Null
Get-NetIPAddress -InterfaceAlias $name -ErrorAction SilentlyContinue | Remove-NetIPAddress -Confirm:$false
$adapter = Get-NetAdapter -Name $name -ErrorAction SilentlyContinue
if ($adapter) { & pnputil.exe /remove-device $adapter.PnPDeviceID | Out-Null }
${removeFirewall}`,
  }
}

function natText(draft: ClusterDraft, own: string): { readonly make: string; readonly remove: string } {
  const router = draft.natRouter.address.trim()
  return {
    make: `# 1. Answers go back through the directors: the floating inside address is the gateway.
$card = (Get-NetIPAddress -IPAddress ${own} -AddressFamily IPv4).InterfaceAlias
$others = Get-NetRoute -DestinationPrefix 0.0.0.0/0 -ErrorAction SilentlyContinue | Where-Object { $_.NextHop -ne ${literal(router)} }
foreach ($route in $others) {
  "Gateway before: $($route.NextHop) on $($route.InterfaceAlias)"
  Remove-NetRoute -InputObject $route -Confirm:$false
}
if (-not (Get-NetRoute -DestinationPrefix 0.0.0.0/0 -NextHop ${router} -ErrorAction SilentlyContinue)) {
  New-NetRoute -DestinationPrefix 0.0.0.0/0 -InterfaceAlias $card -NextHop ${router} | Out-Null
}

# 2. ${firewallText(draft, [own], () => own).slice(2)}

# What it is now:
Get-NetRoute -DestinationPrefix 0.0.0.0/0 | Format-Table InterfaceAlias, NextHop, RouteMetric`,
    remove: `Remove-NetRoute -DestinationPrefix 0.0.0.0/0 -NextHop ${router} -Confirm:$false -ErrorAction SilentlyContinue
'Give the gateway from before back: New-NetRoute -DestinationPrefix 0.0.0.0/0 -InterfaceAlias CARD -NextHop GATEWAY'
${removeFirewall}`,
  }
}

/** The PowerShell script for one host; undefined for a tunnel, which Windows cannot end. */
export function windowsScript(draft: ClusterDraft, host: HostDraft): string | undefined {
  const vips = vipsOf(draft)
  const own = clusterAddressOf(host)
  if (draft.forwarding === 'tunnel') return undefined
  const { make, remove } = draft.forwarding === 'direct' ? directText(own, draft) : natText(draft, own)
  return `#Requires -RunAsAdministrator
# Makes this Windows host (${own}) a real server of ${vips.join(', ')}. Safe to run again; all of it outlives a restart of Windows.
#   powershell -ExecutionPolicy Bypass -File THIS_FILE           sets it up
#   powershell -ExecutionPolicy Bypass -File THIS_FILE -Remove   takes it back
# Written for Windows Server 2016 and later; it has not been run on one. Afterwards let Shoal look from the directors: "Trace the path".
param([switch]$Remove)
$ErrorActionPreference = 'Stop'
$name = ${literal(`Shoal ${vips[0] ?? ''}`)}

if ($Remove) {
${remove}
exit 0
}

${make}
`
}
