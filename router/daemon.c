/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The life of the program: steps that come up in the order of a table and go down in the reverse
 * one, and between the two what signals and the control socket ask for. It does not fork: the
 * service manager, or a shell, decides where it runs. Arguments are main.c.
 */
#include "router/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "router/control.h"
#include "router/link_tls.h"
#include "router/module_list.h"
#include "router/notices.h"
#include "router/notify.h"
#include "router/options.h"
#include "router/pid_file.h"
#include "router/signals.h"

static struct fw_logger daemon_log = FW_LOGGER("daemon");

/* What may come after drain_timeout_ms: stopping the modules and writing what is learned. */
enum { DRAIN_MARGIN_MS = 30000 };

struct daemon {
	const char *config_path;
	bool foreground;
	bool stopping;         /**< a drain is under way */
	struct config *config; /**< until the router has it */
	struct module_list *modules;
	struct pid_file *pid_file;
	char *log_file;
	struct fw_loop *loop;
	struct router *router;
	struct signals *signals;
	struct fw_timer *watchdog;
};

/* ---- what can be asked of it ---- */

static void say_ready(const struct daemon *daemon, const char *what)
{
	(void)notify("READY=1\nSTATUS=%s realm %s, %s", what, daemon->router->realm,
	             daemon->config_path);
}

static int open_log(struct daemon *daemon, const char *path, struct fw_error *err)
{
	char *copy = fw_str_dup(fw_str(daemon->foreground ? "-" : path));
	int ret = copy != NULL ? fw_log_open(copy, err) : FW_ENOMEM;

	if (ret != FW_OK) {
		free(copy);
		return ret;
	}
	free(daemon->log_file);
	daemon->log_file = copy;
	return FW_OK;
}

/* Modules look at their own certificates while they are checked; those of links are the router's.
 */
static int load(struct daemon *daemon, struct config **out, struct config_problems *problems)
{
	struct config_modules modules = { module_list_find, daemon->modules };
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };
	int ret = config_load(daemon->config_path, &modules, out, problems);

	if (ret == FW_OK) {
		ret = link_tls_load(&(*out)->router, &context, &err);
		fw_tls_context_release(&context);
		if (ret != FW_OK) {
			config_problem(problems, daemon->config_path, 0, "links: %s", err.text);
			config_free(out);
		}
	}
	return ret;
}

/* What the router does not know of: the log file and the PID file. */
static void reload_files(struct daemon *daemon)
{
	const struct config_router *router = &daemon->router->config->router;
	struct pid_file *pid_file = NULL;
	struct fw_error err = { 0 };

	if (open_log(daemon, router->log_file, &err) != FW_OK) {
		fw_log(daemon->router->log, &daemon_log, FW_LOG_ERROR,
		       "log file stays reason=\"%s\"", err.text);
	}
	if (strcmp(router->pid_file, pid_file_path(daemon->pid_file)) == 0) {
		return;
	}
	if (pid_file_open(router->pid_file, &pid_file, &err) != FW_OK) {
		fw_log(daemon->router->log, &daemon_log, FW_LOG_ERROR,
		       "PID file stays reason=\"%s\"", err.text);
		return;
	}
	pid_file_close(&daemon->pid_file);
	daemon->pid_file = pid_file;
}

static int reload(struct daemon *daemon, struct fw_json *changes, char **lines,
                  struct fw_error *err)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	int ret = load(daemon, &config, &problems);

	if (ret != FW_OK) {
		(void)fw_error_set(err, ret, "%s has %zu problem%s", daemon->config_path,
		                   problems.count, problems.count == 1 ? "" : "s");
		*lines = problems.text;
		problems.text = NULL;
		config_problems_free(&problems);
		return ret;
	}
	config_problems_free(&problems);
	ret = router_reload(daemon->router, &config, changes, err);
	if (ret == FW_OK) {
		reload_files(daemon);
	}
	return ret;
}

static void log_lines(const struct daemon *daemon, enum fw_level level, const char *lines)
{
	while (lines != NULL && *lines != '\0') {
		size_t len = strcspn(lines, "\n");
		fw_log(daemon->router->log, &daemon_log, level, "%.*s", (int)len, lines);
		lines += len + (lines[len] == '\n' ? 1 : 0);
	}
}

static int on_reload(void *ctx, struct fw_json *changes, char **problems, struct fw_error *err)
{
	struct daemon *daemon = ctx;
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)notify("RELOADING=1\nMONOTONIC_USEC=%lld",
	             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	int ret = reload(daemon, changes, problems, err);
	if (ret != FW_OK) {
		fw_log(daemon->router->log, &daemon_log, FW_LOG_ERROR,
		       "reload refused, nothing has changed reason=\"%s\"", err->text);
		log_lines(daemon, FW_LOG_ERROR, *problems);
		notices_set(daemon->router, "reload", FW_NOTICE_YELLOW,
		            "fedwayd --check names each problem with file and line; then fedwayctl "
		            "reload",
		            "the last reload was refused and changed nothing: %s", err->text);
	} else {
		notices_clear(daemon->router, "reload");
	}
	for (size_t i = 0; ret == FW_OK && i < fw_json_count(changes); i++) {
		fw_log(daemon->router->log, &daemon_log, FW_LOG_NOTICE, "reload: %.*s",
		       FW_STR_ARG(fw_json_text(fw_json_at(changes, i))));
	}
	say_ready(daemon, ret == FW_OK ? "running" : "running with the old configuration:");
	return ret;
}

static void on_stop(void *ctx)
{
	struct daemon *daemon = ctx;

	daemon->stopping = true;
	(void)notify("STOPPING=1\nSTATUS=stopping");
	fw_loop_stop(daemon->loop);
}

static void drained(void *ctx)
{
	struct daemon *daemon = ctx;

	fw_loop_stop(daemon->loop);
}

static void on_drain(void *ctx)
{
	struct daemon *daemon = ctx;

	if (daemon->stopping) {
		return;
	}
	daemon->stopping = true;
	/* Whatever time the service manager gives by itself: it must not kill a drain. */
	(void)notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu\nSTATUS=draining",
	             (daemon->router->config->router.drain_timeout_ms + DRAIN_MARGIN_MS) * 1000ULL);
	router_drain(daemon->router, drained, daemon);
}

static char *on_options(void *ctx, struct fw_str module, struct fw_error *err)
{
	struct daemon *daemon = ctx;

	return options_text(daemon->modules, &daemon->router->config->router, module, err);
}

static const struct control_daemon control_events = { on_reload, on_drain, on_stop, on_options };

static void signal_reload(void *ctx)
{
	struct fw_json *document = fw_json_new();
	struct fw_error err = { 0 };
	char *problems = NULL;

	(void)on_reload(ctx, fw_json_set_array(document, "changes"), &problems, &err);
	free(problems);
	fw_json_free(&document);
}

/* The first asks for order, the second for speed. */
static void signal_stop(void *ctx)
{
	struct daemon *daemon = ctx;

	if (daemon->stopping) {
		on_stop(daemon);
	} else {
		on_drain(daemon);
	}
}

static void signal_reopen(void *ctx)
{
	struct daemon *daemon = ctx;
	struct fw_error err = { 0 };

	if (fw_log_open(daemon->log_file, &err) != FW_OK) {
		fw_log(daemon->router->log, &daemon_log, FW_LOG_ERROR,
		       "log not reopened reason=\"%s\"", err.text);
	}
}

static const struct signals_events signal_events = { signal_reload, signal_stop, signal_reopen };

/* ---- coming up and going down ---- */

static int modules_up(struct daemon *daemon, struct fw_error *err)
{
	(void)err;
	return module_list_new(&daemon->modules);
}

static void modules_down(struct daemon *daemon)
{
	module_list_free(&daemon->modules);
}

static int config_up(struct daemon *daemon, struct fw_error *err)
{
	struct config_problems problems = { 0 };
	int ret = load(daemon, &daemon->config, &problems);

	if (ret != FW_OK) {
		(void)fputs(problems.text != NULL ? problems.text : "", stderr);
		(void)fw_error_set(err, ret, "%s has %zu problem%s", daemon->config_path,
		                   problems.count, problems.count == 1 ? "" : "s");
	}
	config_problems_free(&problems);
	return ret;
}

static void config_down(struct daemon *daemon)
{
	config_free(&daemon->config);
}

static int log_up(struct daemon *daemon, struct fw_error *err)
{
	return open_log(daemon, daemon->config->router.log_file, err);
}

static void log_down(struct daemon *daemon)
{
	free(daemon->log_file);
	daemon->log_file = NULL;
}

static int pid_up(struct daemon *daemon, struct fw_error *err)
{
	return pid_file_open(daemon->config->router.pid_file, &daemon->pid_file, err);
}

static void pid_down(struct daemon *daemon)
{
	pid_file_close(&daemon->pid_file);
}

/* Each connection is a descriptor, and the soft limit is set low for programs that use select(). */
static int limits_up(struct daemon *daemon, struct fw_error *err)
{
	struct rlimit files;

	(void)daemon;
	(void)err;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	return FW_OK;
}

static int loop_up(struct daemon *daemon, struct fw_error *err)
{
	(void)err;
	return fw_loop_new(&daemon->loop);
}

static void loop_down(struct daemon *daemon)
{
	fw_loop_free(&daemon->loop);
}

static int router_up(struct daemon *daemon, struct fw_error *err)
{
	int ret =
	        router_start(daemon->loop, &daemon->config, daemon->modules, &daemon->router, err);

	if (ret == FW_OK) {
		control_set_daemon(daemon->router, &control_events, daemon);
	}
	return ret;
}

static void router_down(struct daemon *daemon)
{
	router_stop(&daemon->router);
	/* What the rooms put off to the end of the turn runs here. */
	fw_loop_turn(daemon->loop, false);
}

static int signals_up(struct daemon *daemon, struct fw_error *err)
{
	(void)err;
	return signals_start(daemon->loop, &signal_events, daemon, &daemon->signals);
}

static void signals_down(struct daemon *daemon)
{
	signals_stop(&daemon->signals);
}

static void watchdog_beat(void *ctx)
{
	(void)ctx;
	(void)notify("WATCHDOG=1");
}

static int notify_up(struct daemon *daemon, struct fw_error *err)
{
	uint64_t every_ms = notify_watchdog_us() / 2000;

	(void)err;
	if (every_ms > 0) {
		int ret = fw_timer_new(daemon->loop, watchdog_beat, NULL, &daemon->watchdog);
		if (ret != FW_OK) {
			return ret;
		}
		fw_timer_start_ms(daemon->watchdog, every_ms, every_ms);
	}
	say_ready(daemon, "running");
	return FW_OK;
}

static void notify_down(struct daemon *daemon)
{
	fw_timer_free(&daemon->watchdog);
}

static const struct {
	const char *name;
	int (*up)(struct daemon *daemon, struct fw_error *err);
	void (*down)(struct daemon *daemon);
	int failure; /* exit code */
} steps[] = {
	{ "limits", limits_up, NULL, DAEMON_FAILED },
	{ "modules", modules_up, modules_down, DAEMON_FAILED },
	{ "configuration", config_up, config_down, DAEMON_CONFIG },
	{ "log", log_up, log_down, DAEMON_FAILED },
	{ "PID file", pid_up, pid_down, DAEMON_FAILED },
	{ "loop", loop_up, loop_down, DAEMON_FAILED },
	{ "router", router_up, router_down, DAEMON_FAILED },
	{ "signals", signals_up, signals_down, DAEMON_FAILED },
	{ "service manager", notify_up, notify_down, DAEMON_FAILED },
};

int daemon_run(const char *config_path, bool foreground)
{
	struct daemon daemon = { .config_path = config_path, .foreground = foreground };
	struct fw_error err = { 0 };
	int code = DAEMON_OK;
	size_t up = 0;

	while (code == DAEMON_OK && up < FW_COUNT(steps)) {
		int ret = steps[up].up(&daemon, &err);
		if (ret != FW_OK) {
			/* what cannot be read now cannot be read in a second either */
			code = ret == FW_EPARSE ? DAEMON_CONFIG : steps[up].failure;
			(void)fprintf(stderr, "fedwayd: not started (%s): %s\n", steps[up].name,
			              err.text[0] != '\0' ? err.text : fw_strerror(ret));
		} else {
			up++;
		}
	}
	if (code == DAEMON_OK) {
		fw_loop_run(daemon.loop);
	}
	while (up > 0) {
		up--;
		if (steps[up].down != NULL) {
			steps[up].down(&daemon);
		}
	}
	return code;
}

int daemon_check(const char *config_path)
{
	struct daemon daemon = { .config_path = config_path };
	struct fw_error err = { 0 };
	int code = DAEMON_CONFIG;

	if (modules_up(&daemon, &err) != FW_OK) {
		return DAEMON_FAILED;
	}
	if (config_up(&daemon, &err) == FW_OK) {
		(void)printf("%s: configuration is good\n", config_path);
		code = DAEMON_OK;
	} else {
		(void)fprintf(stderr, "fedwayd: %s\n", err.text);
	}
	config_down(&daemon);
	modules_down(&daemon);
	return code;
}
