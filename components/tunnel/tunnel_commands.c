/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The commands: keygen and pin on a core, authorize and revoke on an edge, show on both. Each holds
 * at once, and is kept in the directory. ssh-keygen judges keys and tells fingerprints, so that
 * answers come a moment later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "components/tunnel/tunnel.h"
#include "components/tunnel/tunnel_edge.h"
#include "components/tunnel/tunnel_files.h"
#include "components/tunnel/tunnel_gate.h"
#include "components/tunnel/tunnel_keys.h"
#include "components/tunnel/tunnel_tool.h"

static struct fw_logger command_logger = FW_LOGGER("Tunnel");

/* A command that waits for ssh-keygen. */
struct ask {
	struct tunnel *tunnel;
	struct fw_call *call; /* NULL: nobody waits any more */
	struct tunnel_key key;
	char name[TUNNEL_REALM_SIZE];
};

static void ask_forget(void *ctx)
{
	((struct ask *)ctx)->call = NULL;
}

static struct ask *ask_new(struct fw_self *self, struct fw_call **call)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL) {
		fw_call_fail(call, FW_ENOMEM, NULL, "out of memory");
		return NULL;
	}
	ask->tunnel = fw_self_state(self);
	ask->call = *call;
	fw_call_on_cancel(ask->call, ask_forget, ask);
	return ask;
}

static void ask_fail(struct ask **ask, int code, const char *why)
{
	fw_call_fail(&(*ask)->call, code, NULL, "%s", why[0] != '\0' ? why : fw_strerror(code));
	free(*ask);
	*ask = NULL;
}

/* Asks for fingerprints of keys, one a line. Ends the ask when that cannot be. */
static void ask_fingerprints(struct ask *ask, const char *keys, tunnel_tool_fn *done)
{
	const char *const words[] = { "-l", "-f", "-", NULL };
	struct fw_error err = { 0 };

	int ret = tunnel_tool_run(ask->tunnel, words, keys, done, ask, &err);
	if (ret != FW_OK) {
		ask_fail(&ask, ret, err.text);
	}
}

/* "256 SHA256:… comment (ED25519)": the second word. */
static struct fw_str fingerprint(const char *says)
{
	const char *begin = strstr(says, "SHA256:");

	return begin != NULL ? fw_str_n(begin, strcspn(begin, " \n")) : fw_str("");
}

static bool role_is(struct fw_self *self, struct fw_call **call, enum tunnel_role role)
{
	const struct tunnel *tunnel = fw_self_state(self);

	if (tunnel->config->role == (int)role) {
		return true;
	}
	fw_call_fail(call, FW_EINVAL, NULL, "this command is for a tunnel with role = \"%s\"",
	             role == TUNNEL_LISTEN ? "listen" : "connect");
	return false;
}

/* ---- keygen ---- */

static void keygen_told(void *ctx, bool good, const char *says)
{
	struct ask *ask = ctx;

	if (good && ask->call != NULL) {
		struct fw_json *result = fw_call_result(ask->call);
		fw_json_set(result, "public_key", fw_str(ask->key.text));
		fw_json_set(result, "text", fw_str(ask->key.text));
		fw_json_set(result, "fingerprint", fingerprint(says));
		fw_call_done(&ask->call);
	} else if (ask->call != NULL) {
		fw_call_fail(&ask->call, FW_ESYS, NULL, "ssh-keygen does not know its own key");
	}
	free(ask);
}

static void keygen_show(struct ask *ask)
{
	char path[TUNNEL_PATH_SIZE];
	struct fw_error err = { 0 };

	tunnel_path(ask->tunnel, "id_ed25519.pub", "", "", path);
	int ret = tunnel_key_read(path, &ask->key, &err);
	if (ret != FW_OK) {
		ask_fail(&ask, ret, err.text);
		return;
	}
	ask_fingerprints(ask, ask->key.text, keygen_told);
}

static void keygen_made(void *ctx, bool good, const char *says)
{
	struct ask *ask = ctx;
	char quoted[300];

	if (says == NULL) {
		free(ask);
	} else if (!good) {
		ask_fail(&ask, FW_ESYS,
		         fw_quote(fw_str_trim(fw_str(says)), quoted, sizeof(quoted)));
	} else {
		fw_log(fw_self_log(ask->tunnel->self), &command_logger, FW_LOG_NOTICE,
		       "the key of this core was made");
		tunnel_edges_again(ask->tunnel, NULL);
		keygen_show(ask);
	}
}

static void tunnel_keygen(struct fw_self *self, struct fw_call *call)
{
	char path[TUNNEL_PATH_SIZE];
	struct fw_error err = { 0 };

	if (!role_is(self, &call, TUNNEL_CONNECT)) {
		return;
	}
	struct ask *ask = ask_new(self, &call);
	if (ask == NULL) {
		return;
	}
	tunnel_path(ask->tunnel, "id_ed25519", "", "", path);
	if (access(path, F_OK) == 0) { /* asked again: the same key */
		keygen_show(ask);
		return;
	}
	const char *const words[] = { "-q", "-t", "ed25519", "-N", "", "-C", fw_self_realm(self),
		                      "-f", path, NULL };
	int ret = tunnel_tool_run(ask->tunnel, words, NULL, keygen_made, ask, &err);
	if (ret != FW_OK) {
		ask_fail(&ask, ret, err.text);
	}
}

/* ---- authorize, revoke, pin ---- */

/* Key and name of a command, both checked; NULL: the call has failed. */
static struct ask *ask_key(struct fw_self *self, struct fw_call **call, struct fw_str name)
{
	struct ask *ask = ask_new(self, call);
	struct fw_error err = { 0 };

	if (ask == NULL) {
		return NULL;
	}
	int ret = tunnel_key_parse(fw_call_arg(*call, "key"), &ask->key, &err);
	if (ret == FW_OK) {
		name = name.len > 0 ? name : ask->key.comment;
		if (tunnel_realm_good(name)) {
			snprintf(ask->name, sizeof(ask->name), "%.*s", FW_STR_ARG(name));
		} else {
			char quoted[80];
			ret = fw_error_set(&err, FW_EINVAL,
			                   "%s is not a realm; give it behind the key",
			                   fw_quote(name, quoted, sizeof(quoted)));
		}
	}
	if (ret != FW_OK) {
		ask_fail(&ask, ret, err.text);
	}
	return ask;
}

/* False: the ask has ended, since ssh-keygen finds the key unsound. */
static bool key_sound(struct ask **ask, bool good, const char *says)
{
	char why[300], quoted[200];

	if (good && (*ask)->call != NULL) {
		return true;
	}
	if ((*ask)->call == NULL) {
		free(*ask);
		*ask = NULL;
		return false;
	}
	snprintf(why, sizeof(why), "this is no public key: %s",
	         fw_quote(fw_str_trim(fw_str(says)), quoted, sizeof(quoted)));
	ask_fail(ask, FW_EPARSE, why);
	return false;
}

static void authorize_told(void *ctx, bool good, const char *says)
{
	struct ask *ask = ctx;
	struct fw_error err = { 0 };

	if (!key_sound(&ask, good, says)) {
		return;
	}
	int ret = tunnel_authorized_add(ask->tunnel, &ask->key, ask->name, &err);
	if (ret != FW_OK && ret != FW_EEXIST) {
		ask_fail(&ask, ret, err.text);
		return;
	}
	struct fw_str print = fingerprint(says);
	struct fw_json *result = fw_call_result(ask->call);
	fw_json_set(result, "core", fw_str(ask->name));
	fw_json_set(result, "fingerprint", print);
	fw_json_set(result, "result", fw_str(ret == FW_OK ? "authorized" : "already authorized"));
	fw_call_done(&ask->call);
	fw_log(fw_self_log(ask->tunnel->self), &command_logger, FW_LOG_NOTICE,
	       "a core was authorized core=%s key=%.*s", ask->name, FW_STR_ARG(print));
	free(ask);
}

static void tunnel_authorize(struct fw_self *self, struct fw_call *call)
{
	if (!role_is(self, &call, TUNNEL_LISTEN)) {
		return;
	}
	struct ask *ask = ask_key(self, &call, fw_call_arg(call, "name"));
	if (ask != NULL) {
		ask_fingerprints(ask, ask->key.text, authorize_told);
	}
}

static void tunnel_revoke(struct fw_self *self, struct fw_call *call)
{
	struct tunnel *tunnel = fw_self_state(self);
	struct fw_error err = { 0 };
	char name[TUNNEL_REALM_SIZE];

	if (!role_is(self, &call, TUNNEL_LISTEN)) {
		return;
	}
	struct fw_str given = fw_call_arg(call, "name");
	int ret = tunnel_realm_good(given)
	                  ? tunnel_authorized_remove(tunnel, given, &err)
	                  : fw_error_set(&err, FW_EINVAL, "the name of a core is needed");
	if (ret != FW_OK) {
		fw_call_fail(&call, ret, "`fedwayctl tunnel show` lists the keys", "%s", err.text);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", FW_STR_ARG(given));
	tunnel_gate_end(tunnel, name, "its key was revoked");
	tunnel_memory_forget(tunnel->memory, name);
	tunnel_learn_later(tunnel);
	fw_json_set(fw_call_result(call), "core", fw_str(name));
	fw_json_set(fw_call_result(call), "result", fw_str("revoked"));
	fw_call_done(&call);
	fw_log(fw_self_log(self), &command_logger, FW_LOG_NOTICE, "a core was revoked core=%s",
	       name);
}

static void pin_told(void *ctx, bool good, const char *says)
{
	struct ask *ask = ctx;
	char path[TUNNEL_PATH_SIZE], line[TUNNEL_KEY_SIZE + 2];
	struct fw_error err = { 0 };

	if (!key_sound(&ask, good, says)) {
		return;
	}
	snprintf(line, sizeof(line), "%s\n", ask->key.text);
	int ret = tunnel_file_write(tunnel_path(ask->tunnel, "pin.", ask->name, ".pub", path), line,
	                            &err);
	if (ret != FW_OK) {
		ask_fail(&ask, ret, err.text);
		return;
	}
	fw_json_set(fw_call_result(ask->call), "edge", fw_str(ask->name));
	fw_json_set(fw_call_result(ask->call), "fingerprint", fingerprint(says));
	fw_json_set(fw_call_result(ask->call), "result", fw_str("pinned"));
	fw_call_done(&ask->call);
	tunnel_edges_again(ask->tunnel, ask->name);
	free(ask);
}

static void tunnel_pin(struct fw_self *self, struct fw_call *call)
{
	const struct tunnel *tunnel = fw_self_state(self);
	char name[TUNNEL_REALM_SIZE];

	if (!role_is(self, &call, TUNNEL_CONNECT)) {
		return;
	}
	struct fw_str realm = fw_call_arg(call, "realm");
	snprintf(name, sizeof(name), "%.*s", (int)(realm.len < sizeof(name) ? realm.len : 0),
	         realm.ptr != NULL ? realm.ptr : "");
	const struct tunnel_edge_row *row = tunnel_edge_row(tunnel, name);
	if (row == NULL) {
		fw_call_fail(
		        &call, FW_ENOENT,
		        "fedwayctl tunnel pin REALM KEY; `fedwayctl tunnel show` lists the edges",
		        realm.len > 0 ? "there is no row for edge %s in `edges`"
		                      : "the realm of an edge is needed%s",
		        name);
		return;
	}
	if (row->host_key_file[0] != '\0') {
		fw_call_fail(&call, FW_EINVAL,
		             "write the key to that file: it is read at the next try",
		             "the row of edge %s has host_key_file = %s", name, row->host_key_file);
		return;
	}
	struct ask *ask = ask_key(self, &call, realm);
	if (ask != NULL) {
		ask_fingerprints(ask, ask->key.text, pin_told);
	}
}

const struct fw_command tunnel_commands[] = {
	{ "tunnel keygen", "", "make the key of this core, once, and print its public half",
	  tunnel_keygen },
	{ "tunnel show", "", "keys with fingerprints, peers, their state and last error",
	  tunnel_show },
	{ "tunnel authorize", "key name", "let the core with this public key in; name: its realm",
	  tunnel_authorize },
	{ "tunnel revoke", "name", "forget a core: its keys, its session and what it has told",
	  tunnel_revoke },
	{ "tunnel pin", "realm key", "the host key that an edge must have", tunnel_pin },
	FW_COMMAND_END,
};
