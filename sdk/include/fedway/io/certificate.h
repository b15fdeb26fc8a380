/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Certificates: what one says, and which domains of XMPP it names. A peer's is described when it is shown
 * (fw_tls_facts), one of ours when its file is read. Whether a certificate is to be trusted is not asked here.
 */
#ifndef FEDWAY_IO_CERTIFICATE_H
#define FEDWAY_IO_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include <fedway/error.h>

FW_BEGIN_DECLS

/**
 * The description of a certificate: text that is fit for logs (controls and other alphabets are escaped), "" where
 * there is nothing to say. Shared by streams and sessions; it never changes.
 */
struct fw_certificate {
	const char *subject;    /**< RFC 2253 form */
	const char *issuer;     /**< the same */
	const char *serial;     /**< hex */
	const char *names;      /**< "DNS:a.example, DNS:*.b.example, SRV:_xmpp-server.c.example, XMPP:d.example" */
	const char *key;        /**< "EC P-256", "RSA 2048", … */
	const char *key_sha256; /**< hex of SHA-256 over the public key (SPKI): what a pin holds */
	const char *sha256;     /**< hex of SHA-256 over the certificate: its fingerprint */
	int64_t not_before;     /**< seconds since 1970 */
	int64_t not_after;      /**< the same */
};

/** Describes the first certificate of a PEM file. @return FW_OK, FW_EINVAL (err names the file and why), FW_ENOMEM [g] */
FW_API int fw_certificate_read(const char *path, const struct fw_certificate **out, struct fw_error *err);
/** One more user. */
FW_API const struct fw_certificate *fw_certificate_ref(const struct fw_certificate *certificate);
FW_API void fw_certificate_release(const struct fw_certificate **certificate);
/** From how many days left on operators are warned. */
#define FW_CERTIFICATE_WARN_DAYS 30
/** Whole days until it ends, by the clock on the wall; negative when it has ended. */
FW_API int64_t fw_certificate_days_left(const struct fw_certificate *certificate);
#define FW_CERTIFICATE_END_SIZE 64u
/** The same in words: "ends in 12 days", "ends today", "has ended". @return out */
FW_API const char *fw_certificate_end_text(const struct fw_certificate *certificate, char out[FW_CERTIFICATE_END_SIZE]);

/**
 * Does it name the domain (RFC 9525)? By dNSName (A-labels; `*` as the whole left-most label stands for one label,
 * never right before the last), SRVName of the service or xmppAddr. The common name is not looked at.
 * @param domain_key  as fw_domain_key() makes it
 * @param direct      under direct TLS `_xmpps-server` is good as well
 * @param matched     receives the name that matched, "DNS:*.example.org"; else the names it has, cut at `size`
 */
FW_API bool fw_certificate_names(const struct fw_certificate *certificate, const char *domain_key, bool direct,
                                 char *matched, size_t size);

/* ---- making ---- */

#define FW_RSA_BITS_MIN 2048u
#define FW_RSA_BITS_MAX 8192u

/** What to make. */
struct fw_certificate_order {
	const char *const *domains; /**< the first is also the common name; "*.domain" is allowed */
	size_t domain_count;        /**< 1 or more */
	bool srv_names;             /**< besides dNSName: SRVName `_xmpp-server.` and `_xmpps-server.` of each */
	bool xmpp_addresses;        /**< besides: xmppAddr of each */
	unsigned rsa_bits;          /**< of a new key; 0: EC P-256 */
	unsigned days;              /**< self-signed: validity; 0: 90 */
	const char *key_file;       /**< the key in it is used; when there is no such file, one is made (mode 0600) */
	const char *out_file;       /**< PEM */
	bool overwrite;             /**< out_file may exist; a key is never overwritten */
	bool key_was_there;         /**< out: no new key was made */
};

/** Makes a signing request (PKCS #10). @return FW_OK, FW_EEXIST (out_file), FW_EINVAL, FW_ESYS, FW_ENOMEM */
FW_API int fw_certificate_request(struct fw_certificate_order *order, struct fw_error *err);
/** Makes a certificate that nobody else vouches for. The same */
FW_API int fw_certificate_self_signed(struct fw_certificate_order *order, struct fw_error *err);

FW_END_DECLS

#endif
