/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every way in which a stream or a stanza can end, one row each. The same row gives the log its word, the
 * counter its name, the peer its stream error (RFC 6120 §4.9.3), the sender its stanza error (§8.3.3), and
 * the operator text and remedy. New rows go to the end: the number is part of the ABI.
 */
#ifndef FEDWAY_CAUSE_H
#define FEDWAY_CAUSE_H

#include <stdbool.h>

#include <fedway/abi.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

/* id, name, stream error or "", stanza error type, stanza error, text, remedy */
#define FW_CAUSES(X) \
	X(NONE, "none", "", "cancel", "undefined-condition", "no cause", "") \
	/* streams, seen from the wire */ \
	X(PEER_CLOSED, "peer-closed", "", "wait", "remote-server-timeout", \
	  "the peer closed the stream", "") \
	X(PEER_LOST, "peer-lost", "", "wait", "remote-server-timeout", \
	  "the connection broke without a closing tag", "see the peer's log; check the network between the two") \
	X(PEER_ERROR, "peer-error", "", "wait", "remote-server-timeout", \
	  "the peer ended the stream with an error", "the log line carries the peer's own words") \
	X(IDLE, "idle", "", "wait", "remote-server-timeout", "nothing was sent for the idle time", "") \
	X(SHUTDOWN, "shutdown", "system-shutdown", "wait", "remote-server-timeout", "this router is stopping", "") \
	X(REPLACED, "replaced", "conflict", "wait", "service-unavailable", \
	  "a newer link took over the name", "two programs attach with the same name: give each its own") \
	X(CONFLICT, "conflict", "conflict", "cancel", "conflict", \
	  "the name is held by another link", "stop the other one, or set conflict = \"replace\" or \"share\"") \
	X(NOT_WELL_FORMED, "not-well-formed", "not-well-formed", "modify", "bad-request", \
	  "the peer sent XML that is not well-formed", "report it to the maker of the peer") \
	X(RESTRICTED_XML, "restricted-xml", "restricted-xml", "modify", "bad-request", \
	  "the peer sent a comment, a processing instruction, a DTD or an unknown entity", \
	  "report it to the maker of the peer") \
	X(ENCODING, "unsupported-encoding", "unsupported-encoding", "modify", "bad-request", \
	  "the peer sent an encoding other than UTF-8", "report it to the maker of the peer") \
	X(TAG_TOO_LONG, "tag-too-long", "policy-violation", "modify", "policy-violation", \
	  "a tag is longer than tag_max_bytes", "raise tag_max_bytes if the tag was legitimate") \
	X(STANZA_TOO_LARGE, "stanza-too-large", "policy-violation", "modify", "policy-violation", \
	  "a stanza is larger than stanza_max_bytes", "raise stanza_max_bytes if the stanza was legitimate") \
	X(TOO_DEEP, "too-deep", "policy-violation", "modify", "policy-violation", \
	  "elements are nested deeper than the limit", "report it to the maker of the peer") \
	X(TOO_MANY_ATTRIBUTES, "too-many-attributes", "policy-violation", "modify", "policy-violation", \
	  "an element has more attributes or namespace declarations than the limit", "report it to the maker of the peer") \
	X(NO_PROGRESS, "no-progress", "policy-violation", "modify", "policy-violation", \
	  "the peer sends a tag in too many small pieces", "slow attacks look like that: see who connects") \
	X(INVALID_NAMESPACE, "invalid-namespace", "invalid-namespace", "modify", "bad-request", \
	  "the stream header has the wrong namespace", "the peer speaks another protocol on this port") \
	X(BAD_NAMESPACE_PREFIX, "bad-namespace-prefix", "bad-namespace-prefix", "modify", "bad-request", \
	  "a stanza's own element carries a prefix", "report it to the maker of the peer") \
	X(UNSUPPORTED_VERSION, "unsupported-version", "unsupported-version", "modify", "not-acceptable", \
	  "the peer's stream version is not supported", "") \
	X(UNSUPPORTED_STANZA, "unsupported-stanza-type", "unsupported-stanza-type", "cancel", "feature-not-implemented", \
	  "an element that is no stanza and not expected here", "report it to the maker of the peer") \
	X(HOST_UNKNOWN, "host-unknown", "host-unknown", "cancel", "item-not-found", \
	  "the domain is not served here", "add it to domains, or correct the peer's DNS") \
	X(INVALID_FROM, "invalid-from", "invalid-from", "cancel", "not-allowed", \
	  "the sender's domain was not verified on this stream", "the peer must prove each domain before it sends from it") \
	X(IMPROPER_ADDRESSING, "improper-addressing", "improper-addressing", "modify", "jid-malformed", \
	  "a stanza lacks a valid to or from", "report it to the maker of the peer") \
	X(NOT_AUTHORIZED, "not-authorized", "not-authorized", "auth", "not-authorized", \
	  "stanzas before authentication, or a wrong secret", "compare the secret on both sides") \
	X(CONNECT_TIMEOUT, "connect-timeout", "connection-timeout", "wait", "remote-server-timeout", \
	  "no TCP connection in time", "is a firewall dropping the port?") \
	X(CONNECT_FAILED, "connect-failed", "remote-connection-failed", "wait", "remote-server-timeout", \
	  "no address of the peer accepted a connection", "check that the peer listens, and any firewall") \
	X(HEADER_TIMEOUT, "header-timeout", "connection-timeout", "wait", "remote-server-timeout", \
	  "no stream header or features in time", "something listens there that is not an XMPP server, or it is overloaded") \
	X(TLS_TIMEOUT, "tls-timeout", "connection-timeout", "wait", "remote-server-timeout", \
	  "the TLS handshake did not finish in time", "the peer is overloaded, or the network loses large packets") \
	X(TLS_FAILED, "tls-failed", "", "wait", "remote-server-timeout", \
	  "the TLS handshake failed", "the log line has the TLS library's words; compare versions and certificates") \
	X(TLS_REQUIRED, "tls-required", "policy-violation", "modify", "policy-violation", \
	  "TLS is required here and the peer offers none", "the peer must enable STARTTLS, or relax security_mode") \
	X(TLS_INJECTION, "tls-injection", "policy-violation", "modify", "policy-violation", \
	  "bytes followed <starttls/> or <proceed/> in clear text", "somebody may be tampering with the connection") \
	X(AUTH_TIMEOUT, "auth-timeout", "connection-timeout", "wait", "remote-server-timeout", \
	  "authentication did not finish in time", "the peer may be unable to connect back: check its firewall and our DNS") \
	X(DIALBACK_INVALID, "dialback-invalid", "not-authorized", "cancel", "internal-server-error", \
	  "the authoritative server says that the key is not its own", \
	  "our DNS names a server with another secret: compare the dialback secrets of all edges") \
	X(DIALBACK_ERROR, "dialback-error", "", "wait", "remote-server-timeout", \
	  "dialback ended in an error", "the log line carries the condition") \
	X(DIALBACK_TIMEOUT, "dialback-timeout", "", "wait", "remote-server-timeout", \
	  "dialback was not answered in time", "the peer may be unable to connect back: check its firewall and our DNS") \
	X(NO_AUTH_METHOD, "no-auth-method", "policy-violation", "cancel", "remote-server-not-found", \
	  "the peer offers no way to authenticate that is allowed here", \
	  "the peer must offer dialback or show a good certificate; or allow more methods for its domain") \
	X(UNEXPECTED, "unexpected-element", "policy-violation", "wait", "unexpected-request", \
	  "an element that is not allowed in this state of the stream", "report it to the maker of the peer") \
	X(RESOURCES, "resource-constraint", "resource-constraint", "wait", "resource-constraint", \
	  "a table or memory limit is reached", "raise the limit that the log line names") \
	X(INTERNAL, "internal-error", "internal-server-error", "wait", "internal-server-error", \
	  "an error of this router", "please report it with the log") \
	X(POLICY_STREAM, "policy-closed", "policy-violation", "cancel", "not-allowed", \
	  "the policy no longer allows this pair of domains", "allow the pair again if it was not meant") \
	X(VERIFY_DONE, "verify-done", "", "cancel", "undefined-condition", "closing stream used for dialback only", "") \
	X(CONFIG_CLOSED, "configuration-changed", "reset", "wait", "service-unavailable", \
	  "the configuration no longer has this component or listener", "") \
	X(PING_TIMEOUT, "ping-timeout", "connection-timeout", "wait", "remote-server-timeout", \
	  "the peer stopped answering", "check the peer, and the network between the two") \
	/* finding the peer */ \
	X(DNS_NOT_FOUND, "dns-not-found", "", "cancel", "remote-server-not-found", \
	  "DNS has no record for the domain", "check the spelling, and the domain's SRV and address records") \
	X(DNS_NO_SERVICE, "dns-no-service", "", "cancel", "remote-server-not-found", \
	  "DNS says that the domain has no XMPP service", "ask the owner of the domain") \
	X(DNS_FAILED, "dns-failed", "", "wait", "remote-server-not-found", \
	  "DNS could not be asked or did not answer", "check the resolver's servers") \
	X(STATIC_FAILED, "static-route-failed", "", "wait", "remote-server-timeout", \
	  "no host of the static route could be reached", "correct the static route; DNS is used only where its rows say fallback = \"dns\"") \
	X(BACKOFF, "backing-off", "", "wait", "remote-server-timeout", \
	  "the last attempts failed; the next one waits", "fedwayctl explain FROM TO shows the last failure") \
	/* stanzas in the router */ \
	X(DELIVERED, "delivered", "", "cancel", "undefined-condition", "handed over", "") \
	X(NO_ROUTE, "no-route", "", "cancel", "service-unavailable", \
	  "no component holds the domain", "start or attach the component for this domain") \
	X(NOT_FEDERATED, "not-federated", "", "cancel", "not-allowed", \
	  "the sender's domain may not federate", "add it to domains with federation = true") \
	X(LOOP, "loop", "", "cancel", "service-unavailable", \
	  "the stanza would return to where it came from", "if one of the two domains is ours, add it to domains, here or on the core") \
	X(BAD_ADDRESS, "bad-address", "", "modify", "jid-malformed", "the address is not a valid JID", "correct the address") \
	X(BAD_STANZA, "bad-stanza", "", "modify", "bad-request", "the stanza breaks a rule of RFC 6120 §8", \
	  "report it to the maker of the sender") \
	X(FOREIGN_SENDER, "foreign-sender", "invalid-from", "cancel", "not-allowed", \
	  "the component sends from a domain that it does not hold", "bind the domain, or set check_from = false") \
	X(POLICY_DENIED, "policy-denied", "", "cancel", "not-allowed", \
	  "the policy does not allow these two domains to talk", "fedwayctl shows the list in force; add the domain to it") \
	X(POLICY_NOT_LISTED, "policy-not-listed", "", "cancel", "not-allowed", \
	  "the domain is not on the allow list", "add the domain to the policy's allow list") \
	X(HOOK_DROPPED, "hook-dropped", "", "cancel", "not-allowed", "a module dropped the stanza", "see what that module is configured to do") \
	X(QUEUE_FULL, "queue-full", "", "wait", "resource-constraint", \
	  "the queue to the destination is full", "the destination is slower than its senders") \
	X(QUEUE_AGED, "queue-aged", "", "wait", "remote-server-timeout", \
	  "the stanza waited longer than its queue allows", "see why the destination takes nothing: fedwayctl explain FROM TO") \
	X(COMPONENT_GONE, "component-gone", "", "wait", "service-unavailable", \
	  "the component went away before it took the stanza", "see why the component stopped") \
	X(COMPONENT_DRAINING, "component-draining", "", "wait", "service-unavailable", \
	  "the component is about to stop", "try again when it is back") \
	X(ERROR_UNDELIVERABLE, "error-undeliverable", "", "cancel", "undefined-condition", \
	  "an error or result could not be delivered; it is never answered", "") \
	X(REQUEST_TIMEOUT, "request-timeout", "", "wait", "remote-server-timeout", \
	  "a service did not answer in time", "see whether the service runs: fedwayctl components") \
	X(UNEXPECTED_REPLY, "unexpected-reply", "", "cancel", "undefined-condition", \
	  "an answer that nobody waits for any more", "") \
	X(UNHANDLED, "unhandled", "", "cancel", "service-unavailable", \
	  "the component has no use for this stanza", "the address is the component itself: send to somebody behind it") \
	X(BAD_FORMAT, "bad-format", "bad-format", "modify", "bad-request", \
	  "the peer sent text between the stanzas of a stream", "report it to the maker of the peer") \
	/* trust */ \
	X(CERT_MISSING, "certificate-missing", "not-authorized", "cancel", "remote-server-not-found", \
	  "a verified certificate is required and the peer presented none", \
	  "the peer must present its certificate; or relax tls for its domain") \
	X(CERT_UNTRUSTED, "certificate-untrusted", "not-authorized", "cancel", "remote-server-not-found", \
	  "the peer's certificate does not lead to a trusted authority", \
	  "the peer must send its whole chain; or name its authority in ca_file") \
	X(CERT_EXPIRED, "certificate-expired", "not-authorized", "cancel", "remote-server-not-found", \
	  "the peer's certificate, or one of its chain, is not valid at this time", \
	  "the peer must renew it; compare the clocks of both sides") \
	X(CERT_REVOKED, "certificate-revoked", "not-authorized", "cancel", "remote-server-not-found", \
	  "the peer's certificate was revoked by its authority", "the peer must replace its certificate") \
	X(CERT_PURPOSE, "certificate-purpose", "not-authorized", "cancel", "remote-server-not-found", \
	  "the peer's certificate may not be used for a server", \
	  "the peer needs a certificate with serverAuth; or relax certificate_purpose for its domain") \
	X(CERT_NAME, "certificate-name", "not-authorized", "cancel", "remote-server-not-found", \
	  "the peer's certificate does not name its domain", \
	  "the peer needs a certificate with its domain as subjectAltName; or relax certificate_name for its domain") \
	X(CERT_PIN, "certificate-pin", "not-authorized", "cancel", "remote-server-not-found", \
	  "the peer's key is not one of those pinned for its domain", \
	  "ask the peer whether it changed its key, on another way; then change pins") \
	X(TLS_VERSION, "tls-version", "not-authorized", "modify", "policy-violation", \
	  "the TLS version is lower than the domain's floor", "the peer must speak a newer TLS; or lower tls_min") \
	X(SASL_FAILED, "sasl-failed", "policy-violation", "wait", "remote-server-timeout", \
	  "SASL EXTERNAL was refused", "the log line carries the condition; compare the certificate with the domain") \
	/* conversation */ \
	X(NOT_ACKNOWLEDGED, "not-acknowledged", "", "wait", "remote-server-timeout", \
	  "the stream ended before the peer acknowledged the stanza", "it may have arrived; the sender decides") \
	X(HANDLED_TOO_HIGH, "handled-count-too-high", "undefined-condition", "wait", "remote-server-timeout", \
	  "the peer acknowledged more stanzas than were sent", "report it to the maker of the peer") \
	X(TOO_LARGE_FOR_PEER, "too-large-for-peer", "", "modify", "policy-violation", \
	  "the stanza is larger than the peer says it accepts", "the sender must send less at once") \
	X(EGRESS_BUDGET, "egress-budget", "", "wait", "resource-constraint", \
	  "too many connections are being opened", "raise the limit that the log line names") \
	/* finding and reaching */ \
	X(OUTRUN, "outrun", "", "cancel", "undefined-condition", \
	  "another address of the peer was ready first", "") \
	/* trust, while a stream stands */ \
	X(CERT_ENDED, "certificate-ended", "reset", "wait", "remote-server-timeout", \
	  "the validity of the peer's certificate ended while the stream stood", \
	  "the peer must renew it; compare the clocks of both sides") \
	/* between routers */ \
	X(TOO_MANY_HOPS, "too-many-hops", "", "cancel", "service-unavailable", \
	  "the stanza has crossed too many routers", "fedwayctl routes on each node shows which two point at each other") \
	X(NO_EDGE, "no-edge", "", "wait", "service-unavailable", \
	  "no S2S component is known or reachable", "see which edges are known: fedwayctl routers, fedwayctl routes") \
	/* the operator's switch */ \
	X(FEDERATION_OFF, "federation-off", "policy-violation", "cancel", "service-unavailable", \
	  "federation with other domains is switched off here", \
	  "fedwayctl status tells where, by whom and when; fedwayctl federation on") \
	/* what routers say to each other */ \
	X(BAD_HOP, "bad-hop", "bad-format", "cancel", "service-unavailable", \
	  "the hop header of a stanza is missing, misplaced or malformed", \
	  "both routers must speak the same dialect: compare their releases") \
	X(BAD_ROUTES, "bad-routes", "bad-format", "cancel", "service-unavailable", \
	  "the other router announced something malformed", \
	  "compare the releases of both routers; report it with the log") \
	/* links */ \
	X(LINK_LOST, "link-lost", "", "wait", "service-unavailable", \
	  "the link to the component ended before it acknowledged the stanza", "it may have arrived; see in the log why the link ended") \
	X(NOT_RESUMED, "not-resumed", "", "wait", "service-unavailable", \
	  "the link to the component broke and was not resumed in time", \
	  "it may have arrived; see the log for the break, and link_resume_window_s") \
	X(BIND_DENIED, "bind-denied", "", "cancel", "not-allowed", \
	  "the link has no right to hold the name", "list the name, or a pattern above it, in domains of the link's row")

#define FW_CAUSE_ENUM(id, name, stream, type, condition, text, remedy) FW_CAUSE_##id,
enum fw_cause { FW_CAUSES(FW_CAUSE_ENUM) FW_CAUSE_COUNT };
#undef FW_CAUSE_ENUM

struct fw_cause_row {
	const char *name;             /**< the word in logs, counters and fedwayctl; never changes */
	const char *stream_condition; /**< RFC 6120 §4.9.3, or "" to close without an error */
	const char *stanza_type;      /**< RFC 6120 §8.3.2: auth cancel continue modify wait */
	const char *stanza_condition; /**< RFC 6120 §8.3.3 */
	const char *text;             /**< one clause, no full stop, no secrets */
	const char *remedy;           /**< what an operator can do, or "" */
};

/** The row of a cause; a number out of range gives the row of FW_CAUSE_NONE. Context: any thread. */
FW_API const struct fw_cause_row *fw_cause_row(enum fw_cause cause);

/** Cause with this name, or FW_CAUSE_COUNT when there is none. */
FW_API enum fw_cause fw_cause_by_name(struct fw_str name);

FW_END_DECLS

#endif
