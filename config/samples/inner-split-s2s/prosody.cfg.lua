-- Prosody's half of inner-split-s2s: what to have in prosody.cfg.lua beside your own settings.
-- Tested with Prosody 0.12.3 and lua-unbound of Debian 12.

-- Other servers are found by unbound.conf alone, where everybody is the edge. Needs the package lua-unbound.
unbound = { resolvconf = false; hoststxt = false; forward = { "127.0.0.1@5353" } }

-- From 0.12.4 on this does it without a DNS server of its own (mod_s2sout_override of prosody-modules, in every host):
--   modules_enabled = { "s2sout_override" }
--   s2sout_override = { ["*"] = "tcp://10.0.5.7:5269" }

modules_enabled = { "roster"; "saslauth"; "tls"; "disco"; "ping"; "dialback" }
-- "s2s_bidi" may be loaded as well.

s2s_interfaces = { "10.0.5.20" }
s2s_ports = { 5269 }
s2s_require_encryption = true
s2s_secure_auth = false -- the certificate of the edge does not name the partner: dialback decides, and the edge answers it

VirtualHost "corp.example"

Component "conference.corp.example" "muc"
