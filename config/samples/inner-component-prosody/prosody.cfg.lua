-- Prosody's half of inner-component-prosody: what to have in prosody.cfg.lua beside your own settings.
-- Tested with Prosody 0.12.3 and lua-unbound of Debian 12.

-- Outwards: other servers are found by unbound.conf alone, where everybody is the edge. Needs the package lua-unbound.
unbound = { resolvconf = false; hoststxt = false; forward = { "127.0.0.1@5353" } }

-- From 0.12.4 on this does it without a DNS server of its own (mod_s2sout_override of prosody-modules, in every host):
--   modules_enabled = { "s2sout_override" }
--   s2sout_override = { ["*"] = "tcp://10.0.5.7:5269" }

modules_enabled = { "roster"; "saslauth"; "tls"; "disco"; "ping"; "dialback" }

s2s_ports = {} -- nobody connects to us
s2s_require_encryption = true
s2s_secure_auth = false -- the certificate of the edge does not name the partner

-- Inwards. Keep this port for the edge: it is not encrypted, and who knows the secret speaks for everybody.
component_interfaces = { "10.0.5.20" }
component_ports = { 5347 }

VirtualHost "corp.example"

Component "conference.corp.example" "muc"

Component "edge.corp.internal"
  component_secret = "SECRET" -- the same as in im.secret of Fedway
  validate_from_addresses = false -- the edge hands over stanzas of everybody
