/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fedwayctl cert csr, self-signed and describe: what an operator does with certificates before and
 * beside a running daemon. Works on files of the caller's; only the list of domains is asked of the
 * daemon, when none is given. Other words after "cert" are a component's command.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fedway/io/certificate.h>

#include "router/fedwayctl.h"

enum {
	CERT_DAYS_MAX = 3650,
	SECONDS_PER_DAY = 86400,
};

static const char cert_usage[] =
        "Usage: fedwayctl cert csr --key FILE --out FILE [OPTION]... [DOMAIN]...\n"
        "       fedwayctl cert self-signed --key FILE --out FILE [OPTION]... [DOMAIN]...\n"
        "       fedwayctl cert describe FILE\n"
        "\n"
        "Makes a signing request for an authority, or a certificate for a lab, and its key when\n"
        "there is no such file yet. Without DOMAIN it is made for all domains that the running\n"
        "fedwayd federates.\n"
        "\n"
        "  -k, --key FILE   private key; used when it exists, never overwritten\n"
        "  -o, --out FILE   the request, or the certificate\n"
        "  -f, --force      overwrite the file of --out\n"
        "      --rsa BITS   a new key is RSA of so many bits; else it is EC P-256\n"
        "      --srv        name each domain as SRVName too (_xmpp-server, _xmpps-server)\n"
        "      --xmpp       name each domain as xmppAddr too\n"
        "      --days N     validity of a self-signed certificate (default 90)\n"
        "  -s, --socket PATH, -j, --json as for other commands\n";

struct cert_call {
	const char *socket;
	bool json;
	struct fw_certificate_order order;
	const char **domains;  /* those of the order */
	struct fw_json *reply; /* they point into it when the daemon was asked */
};

/* ---- arguments ---- */

static int number_of(const char *what, const char *text, unsigned min, unsigned max, unsigned *out)
{
	uint64_t value = 0;

	if (fw_str_to_u64(fw_str(text), max, &value) != FW_OK || value < min) {
		(void)fprintf(stderr, "fedwayctl: %s is a number from %u to %u, not \"%s\"\n", what,
		              min, max, text);
		return CTL_USAGE;
	}
	*out = (unsigned)value;
	return CTL_OK;
}

static int parse_option(struct cert_call *call, int option)
{
	struct fw_certificate_order *order = &call->order;

	switch (option) {
	case 'k':
		order->key_file = optarg;
		return CTL_OK;
	case 'o':
		order->out_file = optarg;
		return CTL_OK;
	case 'f':
		order->overwrite = true;
		return CTL_OK;
	case 's':
		call->socket = optarg;
		return CTL_OK;
	case 'j':
		call->json = true;
		return CTL_OK;
	case 'R':
		return number_of("--rsa", optarg, FW_RSA_BITS_MIN, FW_RSA_BITS_MAX,
		                 &order->rsa_bits);
	case 'D':
		return number_of("--days", optarg, 1, CERT_DAYS_MAX, &order->days);
	case 'S':
		order->srv_names = true;
		return CTL_OK;
	case 'X':
		order->xmpp_addresses = true;
		return CTL_OK;
	default:
		(void)fputs("Try \"fedwayctl cert help\".\n", stderr);
		return CTL_USAGE;
	}
}

/* Leaves optind at the first word that is no option. */
static int parse(struct cert_call *call, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "key", required_argument, NULL, 'k' },    { "out", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },        { "rsa", required_argument, NULL, 'R' },
		{ "srv", no_argument, NULL, 'S' },          { "xmpp", no_argument, NULL, 'X' },
		{ "days", required_argument, NULL, 'D' },   { "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 },
	};
	int ret = CTL_OK;
	int option;

	optind = 0; /* the program's own options were read before */
	while (ret == CTL_OK && (option = getopt_long(argc, argv, "k:o:fs:j", longs, NULL)) != -1) {
		ret = parse_option(call, option);
	}
	return ret;
}

/* ---- domains ---- */

static bool has_domain(const struct fw_certificate_order *order, const char *domain)
{
	for (size_t i = 0; i < order->domain_count; i++) {
		if (strcmp(order->domains[i], domain) == 0) {
			return true;
		}
	}
	return false;
}

/* A domain has one row for each component that holds it. */
static void take_federated(struct cert_call *call, const struct fw_json *routes)
{
	for (size_t i = 0; i < fw_json_count(routes); i++) {
		const struct fw_json *row = fw_json_at(routes, i);
		struct fw_str domain = fw_json_text(fw_json_get(row, "domain"));

		if (fw_json_bool(fw_json_get(row, "federated")) && domain.len > 0 &&
		    !has_domain(&call->order, domain.ptr)) {
			call->domains[call->order.domain_count++] = domain.ptr;
		}
	}
}

static int ask_domains(struct cert_call *call)
{
	char *text = NULL;
	int ret = fedwayctl_ask(call->socket, "{\"command\": \"routes\"}", false, &text);

	if (ret != CTL_OK) {
		(void)fputs("Name the domains to do without it.\n", stderr);
		return ret;
	}
	if (fw_json_parse(fw_str(text), &call->reply, NULL) != FW_OK) {
		ret = CTL_BROKEN;
	}
	free(text);
	const struct fw_json *routes = fw_json_get(fw_json_get(call->reply, "result"), "routes");
	call->domains = calloc(fw_json_count(routes) + 1, sizeof(*call->domains));
	if (ret != CTL_OK || call->domains == NULL) {
		return CTL_BROKEN;
	}
	call->order.domains = call->domains;
	take_federated(call, routes);
	if (call->order.domain_count == 0) {
		(void)fputs("fedwayctl: the daemon federates no domain: name one\n", stderr);
		return CTL_REFUSED;
	}
	return CTL_OK;
}

/* ---- the commands ---- */

/* @return CTL_OK, CTL_BROKEN */
static int print_reply(struct fw_json **reply)
{
	fw_json_set_bool(*reply, "ok", true);
	char *text = *reply != NULL ? fw_json_dump(*reply, true) : NULL;
	int ret = text != NULL ? CTL_OK : CTL_BROKEN;

	if (text != NULL) {
		(void)printf("%s\n", text);
	}
	free(text);
	fw_json_free(reply);
	return ret;
}

static int print_made_json(const struct fw_certificate_order *order)
{
	struct fw_json *reply = fw_json_new();
	struct fw_json *out = fw_json_set_object(reply, "result");
	struct fw_json *domains = fw_json_set_array(out, "domains");

	for (size_t i = 0; i < order->domain_count; i++) {
		fw_json_append(domains, fw_str(order->domains[i]));
	}
	fw_json_set(out, "file", fw_str(order->out_file));
	fw_json_set(out, "key_file", fw_str(order->key_file));
	fw_json_set_bool(out, "new_key", !order->key_was_there);
	return print_reply(&reply);
}

static int tell_made(const struct cert_call *call, const char *what)
{
	const struct fw_certificate_order *order = &call->order;

	if (call->json) {
		return print_made_json(order);
	}
	(void)printf("%s %s for", what, order->out_file);
	for (size_t i = 0; i < order->domain_count; i++) {
		(void)printf(" %s", order->domains[i]);
	}
	(void)printf("\n%s %s\n",
	             order->key_was_there ? "Key used:" : "New key: ", order->key_file);
	return CTL_OK;
}

static int make(struct cert_call *call, char **words, int count,
                int (*maker)(struct fw_certificate_order *, struct fw_error *), const char *what)
{
	struct fw_error err = { 0 };
	int ret = CTL_OK;

	if (call->order.key_file == NULL || call->order.out_file == NULL) {
		(void)fputs("fedwayctl: --key FILE and --out FILE are needed\n", stderr);
		return CTL_USAGE;
	}
	if (count > 0) {
		call->order.domains = (const char *const *)words;
		call->order.domain_count = (size_t)count;
	} else {
		ret = ask_domains(call);
	}
	if (ret == CTL_OK && maker(&call->order, &err) != FW_OK) {
		(void)fprintf(stderr, "fedwayctl: %s\n",
		              err.text[0] != '\0' ? err.text : fw_strerror(FW_ENOMEM));
		ret = CTL_REFUSED;
	}
	if (ret == CTL_OK) {
		ret = tell_made(call, what);
	}
	return ret;
}

static int cert_csr(struct cert_call *call, char **words, int count)
{
	return make(call, words, count, fw_certificate_request, "Signing request");
}

static int cert_self_signed(struct cert_call *call, char **words, int count)
{
	return make(call, words, count, fw_certificate_self_signed, "Certificate");
}

static void print_time(const char *what, int64_t when)
{
	time_t seconds = (time_t)when;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL) {
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	}
	(void)printf("%-12s %s\n", what, text);
}

static int64_t days_left(const struct fw_certificate *certificate)
{
	int64_t seconds = certificate->not_after - (int64_t)time(NULL);

	/* What ended a minute ago has not a day left, but none any more. */
	return seconds >= 0 ? seconds / SECONDS_PER_DAY
	                    : (seconds - SECONDS_PER_DAY + 1) / SECONDS_PER_DAY;
}

static void print_description(const struct fw_certificate *certificate)
{
	(void)printf("%-12s %s\n", "subject", certificate->subject);
	(void)printf("%-12s %s\n", "names", certificate->names);
	(void)printf("%-12s %s\n", "issuer", certificate->issuer);
	(void)printf("%-12s %s\n", "serial", certificate->serial);
	print_time("valid from", certificate->not_before);
	print_time("valid until", certificate->not_after);
	(void)printf("%-12s %" PRId64 "\n", "days left", days_left(certificate));
	(void)printf("%-12s %s\n", "key", certificate->key);
	(void)printf("%-12s %s\n", "key sha256", certificate->key_sha256);
	(void)printf("%-12s %s\n", "sha256", certificate->sha256);
}

static int print_json(const struct fw_certificate *certificate)
{
	struct fw_json *reply = fw_json_new();
	struct fw_json *out = fw_json_set_object(reply, "result");

	fw_json_set(out, "subject", fw_str(certificate->subject));
	fw_json_set(out, "names", fw_str(certificate->names));
	fw_json_set(out, "issuer", fw_str(certificate->issuer));
	fw_json_set(out, "serial", fw_str(certificate->serial));
	fw_json_set_int(out, "not_before", certificate->not_before);
	fw_json_set_int(out, "not_after", certificate->not_after);
	fw_json_set_int(out, "days_left", days_left(certificate));
	fw_json_set(out, "key", fw_str(certificate->key));
	fw_json_set(out, "key_sha256", fw_str(certificate->key_sha256));
	fw_json_set(out, "sha256", fw_str(certificate->sha256));
	return print_reply(&reply);
}

static int cert_describe(struct cert_call *call, char **words, int count)
{
	const struct fw_certificate *certificate = NULL;
	struct fw_error err = { 0 };
	int ret = CTL_OK;

	if (count != 1) {
		(void)fputs("fedwayctl: cert describe needs one FILE\n", stderr);
		return CTL_USAGE;
	}
	if (fw_certificate_read(words[0], &certificate, &err) != FW_OK) {
		(void)fprintf(stderr, "fedwayctl: %s\n", err.text);
		return CTL_REFUSED;
	}
	if (call->json) {
		ret = print_json(certificate);
	} else {
		print_description(certificate);
	}
	fw_certificate_release(&certificate);
	return ret;
}

static int cert_help(struct cert_call *call, char **words, int count)
{
	(void)call;
	(void)words;
	(void)count;
	(void)fputs(cert_usage, stdout);
	return CTL_OK;
}

static const struct cert_row {
	const char *word;
	int (*run)(struct cert_call *call, char **words, int count);
} cert_rows[] = {
	{ "csr", cert_csr },
	{ "self-signed", cert_self_signed },
	{ "describe", cert_describe },
	{ "help", cert_help },
};

bool fedwayctl_cert_has(const char *word)
{
	for (size_t i = 0; i < FW_COUNT(cert_rows); i++) {
		if (strcmp(cert_rows[i].word, word) == 0) {
			return true;
		}
	}
	return false;
}

int fedwayctl_cert(const char *socket, bool json, int argc, char **argv)
{
	struct cert_call call = { .socket = socket, .json = json };
	const char *word = argv[0];
	int ret = parse(&call, argc, argv);

	for (size_t i = 0; i < FW_COUNT(cert_rows) && ret == CTL_OK; i++) {
		if (strcmp(cert_rows[i].word, word) == 0) {
			ret = cert_rows[i].run(&call, argv + optind, argc - optind);
			break;
		}
	}
	free(call.domains);
	fw_json_free(&call.reply);
	return ret;
}
