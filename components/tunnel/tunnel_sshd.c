/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edge's sshd. It gets a configuration that lets keys of ours do one thing: reach the one
 * subsystem, which is joined to our UNIX socket (tunnel_gate.c). It runs as the user that we are
 * and knows no other.
 */
#include "components/tunnel/tunnel_sshd.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "components/tunnel/tunnel_child.h"
#include "components/tunnel/tunnel_files.h"
#include "components/tunnel/tunnel_keys.h"
#include "components/tunnel/tunnel_tool.h"

static struct fw_logger sshd_logger = FW_LOGGER("Tunnel.sshd");

struct tunnel_sshd {
	struct tunnel *tunnel;
	struct tunnel_child child;
	char *text; /* the configuration that it runs with */
	char user[TUNNEL_REALM_SIZE];
	char path[TUNNEL_PATH_SIZE]; /* of the configuration */
	bool plain;                  /* it does not know the newer options */
	bool making_key, listening;
	char error[400];
};

/* ---- configuration ---- */

/* Only what does not follow from a default that OpenSSH has promised to keep. */
static const char sshd_rules[] =
        "AuthenticationMethods publickey\n"
        "PubkeyAuthentication yes\n"
        "PasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\n"
        "HostbasedAuthentication no\n"
        "PermitEmptyPasswords no\n"
        "PermitUserRC no\n"
        "PermitUserEnvironment no\n"
        "PermitTTY no\n"
        "PermitTunnel no\n"
        "DisableForwarding yes\n"
        "AllowTcpForwarding no\n"
        "AllowStreamLocalForwarding no\n"
        "AllowAgentForwarding no\n"
        "X11Forwarding no\n"
        "GatewayPorts no\n"
        "ExposeAuthInfo yes\n"
        "UsePAM no\n"
        "UseDNS no\n"
        "PrintMotd no\n"
        "PrintLastLog no\n"
        "Compression no\n"
        "PidFile none\n"
        "LogLevel VERBOSE\n"
        /* The directory is looked at by ourselves; parents such as /tmp are not sshd's to judge. */
        "StrictModes no\n"
        "MaxAuthTries 3\n"
        "MaxSessions 1\n"
        /* One stranger who opens connections and says nothing must not keep the core out. */
        "MaxStartups 30:30:60\n"
        "PerSourceMaxStartups 5\n"
        "PerSourceNetBlockSize 32:64\n"
        "LoginGraceTime 15\n"
        "TCPKeepAlive yes\n"
        "ClientAliveInterval 3\n"
        "ClientAliveCountMax 3\n"
        "HostKeyAlgorithms ssh-ed25519\n"
        "PubkeyAcceptedAlgorithms ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
        "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256\n"
        "KexAlgorithms " TUNNEL_KEX "\n"
        "Ciphers " TUNNEL_CIPHERS "\n"
        "MACs " TUNNEL_MACS "\n";

/* OpenSSH 9.2 and later: a client that asks for nothing is not kept. */
static const char sshd_newer_rules[] = "UnusedConnectionTimeout 15s\n";

char *tunnel_sshd_text(const struct tunnel *tunnel, const char *user, bool plain)
{
	const struct tunnel_config *config = tunnel->config;
	const bool v6 = strchr(config->address, ':') != NULL;
	size_t size = sizeof(sshd_rules) + sizeof(sshd_newer_rules) + 8 * TUNNEL_PATH_SIZE;
	char *text = malloc(size);

	if (text == NULL) {
		return NULL;
	}
	snprintf(text, size,
	         "# Written by fedwayd at each start of its sshd; changes are lost.\n"
	         "ListenAddress %s%s%s:%u\n"
	         "HostKey %s/host_ed25519\n"
	         "AuthorizedKeysFile %s/authorized_keys\n"
	         "AllowUsers %s\n"
	         "PermitRootLogin %s\n"
	         "Subsystem " TUNNEL_SUBSYSTEM " " TUNNEL_SUBSYSTEM "\n"
	         "ForceCommand %s %s/tunnel.sock\n"
	         "%s%s",
	         v6 ? "[" : "", config->address, v6 ? "]" : "", config->port, tunnel->directory,
	         tunnel->directory, user, strcmp(user, "root") == 0 ? "prohibit-password" : "no",
	         tunnel_program(tunnel, TUNNEL_BRIDGE), tunnel->directory, sshd_rules,
	         plain ? "" : sshd_newer_rules);
	return text;
}

/* sshd runs whatever it runs through the login shell of its user. */
static int sshd_look_at_user(struct tunnel_sshd *sshd, struct fw_error *err)
{
	const struct passwd *user = getpwuid(geteuid());

	if (user == NULL) {
		return fw_error_set(err, FW_ENOENT, "the user with number %u has no name",
		                    (unsigned)geteuid());
	}
	snprintf(sshd->user, sizeof(sshd->user), "%s", user->pw_name);
	if (strstr(user->pw_shell, "nologin") != NULL || strstr(user->pw_shell, "/false") != NULL) {
		fw_notice(sshd->tunnel->self, "shell", FW_NOTICE_RED,
		          "usermod --shell /bin/sh USER, with its password locked as it is",
		          "the user %s has the login shell %s, and sshd starts nothing without one",
		          user->pw_name, user->pw_shell);
	} else {
		fw_notice_clear(sshd->tunnel->self, "shell");
	}
	if (geteuid() == 0 && mkdir("/run/sshd", 0755) != 0 && errno != EEXIST) {
		/* only root's sshd wants it; sshd itself will say that it misses it */
		fw_log(fw_self_log(sshd->tunnel->self), &sshd_logger, FW_LOG_WARNING,
		       "cannot make /run/sshd: %s", strerror(errno));
	}
	return FW_OK;
}

static void sshd_on_key(void *ctx, bool good, const char *says)
{
	struct tunnel_sshd *sshd = ctx;
	char quoted[300], path[TUNNEL_PATH_SIZE];

	sshd->making_key = false;
	if (says == NULL) {
		return;
	}
	if (!good || access(tunnel_path(sshd->tunnel, "host_ed25519", "", "", path), F_OK) != 0) {
		fw_notice(sshd->tunnel->self, "sshd", FW_NOTICE_RED, NULL,
		          "the host key of the tunnel could not be made: %s",
		          fw_quote(fw_str_trim(fw_str(says)), quoted, sizeof(quoted)));
		return;
	}
	tunnel_child_again(&sshd->child);
}

/* FW_EAGAIN: it is made now, and sshd is started after it. */
static int sshd_need_key(struct tunnel_sshd *sshd, struct fw_error *err)
{
	char path[TUNNEL_PATH_SIZE];

	tunnel_path(sshd->tunnel, "host_ed25519", "", "", path);
	if (access(path, F_OK) == 0) {
		return FW_OK;
	}
	const char *const words[] = {
		"-q", "-t", "ed25519", "-N", "", "-C", fw_self_realm(sshd->tunnel->self),
		"-f", path, NULL
	};
	if (sshd->making_key) {
		return FW_EAGAIN;
	}
	int ret = tunnel_tool_run(sshd->tunnel, words, NULL, sshd_on_key, sshd, err);
	sshd->making_key = ret == FW_OK;
	return ret == FW_OK ? FW_EAGAIN : ret;
}

static int sshd_command(void *ctx, struct tunnel_words *words, struct fw_error *err)
{
	struct tunnel_sshd *sshd = ctx;
	const struct tunnel *tunnel = sshd->tunnel;

	sshd->listening = false;
	int ret = tunnel_directory(tunnel->directory, err);
	if (ret == FW_OK) {
		ret = sshd_look_at_user(sshd, err);
	}
	if (ret == FW_OK) {
		ret = sshd_need_key(sshd, err);
	}
	if (ret == FW_OK) {
		ret = tunnel_authorized_make(tunnel, err);
	}
	if (ret != FW_OK) {
		return ret;
	}
	free(sshd->text);
	sshd->text = tunnel_sshd_text(tunnel, sshd->user, sshd->plain);
	if (sshd->text == NULL) {
		return FW_ENOMEM;
	}
	tunnel_path(tunnel, "sshd_config", "", "", sshd->path);
	ret = tunnel_file_write(sshd->path, sshd->text, err);
	if (ret == FW_OK) {
		tunnel_word(words, tunnel_program(tunnel, TUNNEL_SSHD));
		tunnel_word(words, "-D"); /* no daemon: our child */
		tunnel_word(words, "-e"); /* its log is its standard error */
		tunnel_word(words, "-f");
		tunnel_word(words, sshd->path);
	}
	return ret;
}

/* ---- life ---- */

static void sshd_started(void *ctx, struct fw_process *process)
{
	(void)ctx;
	(void)process;
}

static void sshd_line(void *ctx, struct fw_str line)
{
	struct tunnel_sshd *sshd = ctx;
	const char listening[] = "Server listening on ", unknown[] = "UnusedConnectionTimeout";

	for (size_t i = 0; i + sizeof(unknown) - 1 <= line.len; i++) {
		sshd->plain |= memcmp(line.ptr + i, unknown, sizeof(unknown) - 1) == 0;
	}
	if (line.len >= sizeof(listening) - 1 &&
	    memcmp(line.ptr, listening, sizeof(listening) - 1) == 0) {
		sshd->listening = true;
		sshd->error[0] = '\0';
		tunnel_child_good(&sshd->child);
		fw_notice_clear(sshd->tunnel->self, "sshd");
		fw_log(fw_self_log(sshd->tunnel->self), &sshd_logger, FW_LOG_NOTICE,
		       "the tunnel listens address=%s port=%u", sshd->tunnel->config->address,
		       sshd->tunnel->config->port);
	}
}

static void sshd_failed(void *ctx, const char *why, const char *remedy)
{
	struct tunnel_sshd *sshd = ctx;

	sshd->listening = false;
	snprintf(sshd->error, sizeof(sshd->error), "%s", why);
	fw_notice(sshd->tunnel->self, "sshd", FW_NOTICE_YELLOW, remedy,
	          "the tunnel does not listen on %s port %u: %s", sshd->tunnel->config->address,
	          sshd->tunnel->config->port, why);
}

static const struct tunnel_child_calls sshd_calls = { sshd_command, sshd_started, sshd_line,
	                                              sshd_failed };

int tunnel_sshd_start(struct tunnel *tunnel)
{
	struct tunnel_sshd *sshd = calloc(1, sizeof(*sshd));

	if (sshd == NULL) {
		return FW_ENOMEM;
	}
	tunnel->sshd = sshd;
	sshd->tunnel = tunnel;
	sshd->child = (struct tunnel_child){ .tunnel = tunnel,
		                             .calls = &sshd_calls,
		                             .ctx = sshd,
		                             .log = fw_self_log(tunnel->self),
		                             .logger = &sshd_logger,
		                             .reasons = tunnel_sshd_reasons };
	return tunnel_child_begin(&sshd->child);
}

void tunnel_sshd_stop(struct tunnel *tunnel)
{
	struct tunnel_sshd *sshd = tunnel->sshd;

	tunnel->sshd = NULL;
	if (sshd == NULL) {
		return;
	}
	tunnel_child_end(&sshd->child);
	fw_notice_clear(tunnel->self, "sshd");
	fw_notice_clear(tunnel->self, "shell");
	free(sshd->text);
	free(sshd);
}

void tunnel_sshd_reload(struct tunnel *tunnel)
{
	struct tunnel_sshd *sshd = tunnel->sshd;
	char *text = tunnel_sshd_text(tunnel, sshd->user, sshd->plain);

	if (text == NULL || sshd->text == NULL || strcmp(text, sshd->text) != 0) {
		tunnel_child_again(&sshd->child); /* sessions that stand are not touched */
	}
	free(text);
}

void tunnel_sshd_report(const struct tunnel *tunnel, struct fw_json *out)
{
	const struct tunnel_sshd *sshd = tunnel->sshd;

	fw_json_set(out, "sshd", fw_str(sshd->listening ? "listening" : "not listening"));
	fw_json_setf(out, "address", "%s", tunnel->config->address);
	fw_json_set_int(out, "port", tunnel->config->port);
	fw_json_set(out, "user", fw_str(sshd->user));
	fw_json_set_int(out, "restarts", (int64_t)sshd->child.restarts);
	fw_json_set(out, "last_error", fw_str(sshd->error));
}
