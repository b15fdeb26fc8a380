/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The house as a whole: what is ours by configuration, what a reload may change, announcements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "router/instance.h"
#include "tests/router/toys.h"

static struct fw_loop *loop;

static struct router *begin(const char *text)
{
	struct config *config = toys_config(text);
	struct router *router = NULL;
	struct fw_error err = { 0 };

	toys_begin();
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(router_start(loop, &config, NULL, &router, &err), FW_OK);
	assert_null(config);
	return router;
}

static void end(struct router **router)
{
	router_stop(router);
	assert_null(*router);
	router_stop(router);
	fw_loop_free(&loop);
}

static int reload(struct router *router, const char *text, struct fw_error *err)
{
	struct config *config = toys_config(text);
	int ret = router_reload(router, &config, NULL, err);
	assert_null(config);
	return ret;
}

#define OWN \
	"domains = ({ name = \"corp.example\"; federation = true; }, { name = \"in.example\"; });" \
	"links = ({ name = \"im.example\"; secret = \"s3cret\"; domains = [\"chat.example\"]; });"

static void what_is_configured_is_ours_held_or_not(void **state)
{
	(void)state;
	static const struct {
		const char *domain;
		bool local, federated;
	} rows[] = {
		{ "corp.example", true, true },      { "in.example", true, false },
		{ "im.example", true, false },       { "chat.example", true, false },
		{ "partner.example", false, false }, { "x.realm-test", true, false },
	};
	struct router *router = begin(OWN);

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(router_domain_is_local(router, fw_str(rows[i].domain)),
		                 rows[i].local);
		assert_int_equal(router_domain_is_federated(router, fw_str(rows[i].domain)),
		                 rows[i].federated);
	}
	end(&router);
}

static void a_reload_swaps_the_list_of_what_is_ours(void **state)
{
	(void)state;
	struct router *router = begin(OWN);

	assert_int_equal(reload(router,
	                        "domains = ({ name = \"new.example\"; federation = true; },"
	                        "{ name = \"corp.example\"; });",
	                        NULL),
	                 FW_OK);
	assert_true(router_domain_is_federated(router, fw_str("new.example")));
	assert_false(router_domain_is_federated(router, fw_str("corp.example")));
	assert_true(router_domain_is_local(router, fw_str("corp.example")));
	assert_false(router_domain_is_local(router, fw_str("im.example")));
	end(&router);
}

static void a_refused_reload_leaves_the_list_alone(void **state)
{
	(void)state;
	struct router *router = begin(OWN);
	struct fw_error err = { 0 };

	assert_int_equal(
	        reload(router,
	               "domains = ({ name = \"new.example\"; federation = true; });"
	               "components = ({ module = \"toy\"; options = { refuse = \"no\"; }; });",
	               &err),
	        FW_EINVAL);
	assert_false(router_domain_is_local(router, fw_str("new.example")));
	assert_true(router_domain_is_federated(router, fw_str("corp.example")));
	end(&router);
}

/* A port that somebody else listens on. */
static int take_port(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static struct config *config_with_port(const char *text, unsigned port)
{
	struct config *config = toys_config(text);
	static struct config_listen row;

	row = (struct config_listen){ .address = "127.0.0.1", .port = (uint16_t)port };
	config->router.listen = (struct fw_rows){ &row, 1 };
	return config;
}

static void a_port_that_is_taken_ends_the_start_and_all_that_was_up(void **state)
{
	(void)state;
	struct router *router = NULL;
	struct fw_error err = { 0 };
	unsigned port;
	int fd = take_port(&port);
	struct config *config = config_with_port("components = ({ module = \"toy\"; });", port);

	toys_begin();
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_not_equal(router_start(loop, &config, NULL, &router, &err), FW_OK);
	assert_null(router);
	assert_null(config);
	assert_true(err.text[0] != '\0');
	assert_string_equal(toys_story, "start toy-1;stop toy-1;");
	fw_loop_free(&loop);
	close(fd);
}

static void a_port_that_is_taken_refuses_the_reload_before_anything_moves(void **state)
{
	(void)state;
	struct router *router = begin("components = ({ module = \"rigid\"; });");
	struct fw_error err = { 0 };
	unsigned port;
	int fd = take_port(&port);
	struct config *config = config_with_port(
	        "domains = ({ name = \"new.example\"; });"
	        "components = ({ module = \"rigid\"; options = { text = \"x\"; }; }, { module = "
	        "\"toy\"; });",
	        port);

	toys_begin();
	assert_int_not_equal(router_reload(router, &config, NULL, &err), FW_OK);
	assert_string_equal(toys_story, "");
	assert_false(router_domain_is_local(router, fw_str("new.example")));
	close(fd);
	/* free now: the same reload passes */
	config = config_with_port("components = ({ module = \"rigid\"; });", port);
	assert_int_equal(router_reload(router, &config, NULL, &err), FW_OK);
	end(&router);
}

static void realm_cannot_change(void **state)
{
	(void)state;
	struct router *router = begin("");
	struct fw_error err = { 0 };
	struct config *config = toys_config("");

	config->router.realm = "other";
	assert_int_equal(router_reload(router, &config, NULL, &err), FW_EINVAL);
	assert_null(config);
	assert_string_equal(
	        err.text,
	        "realm cannot change from \"realm-test\" to \"other\" by reload: restart");
	end(&router);
}

static void all_are_told_once_and_after_the_turn(void **state)
{
	(void)state;
	struct router *router =
	        begin("components = ({ module = \"toy\"; }, { module = \"rigid\"; },"
	              "{ module = \"toy\"; });");

	toys_begin();
	struct fw_self *self = toys_self("toy-1.realm-test");
	fw_announce(self, "policy");
	fw_announce(self, "resolver");
	fw_announce(self, "policy");
	assert_string_equal(toys_story, "");
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "told toy-1 policy;told toy-2 policy;"
	                                "told toy-1 resolver;told toy-2 resolver;");
	fw_announce(self, "dialback"); /* the router stops before the turn ends */
	end(&router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_configured_is_ours_held_or_not),
		cmocka_unit_test(a_reload_swaps_the_list_of_what_is_ours),
		cmocka_unit_test(a_refused_reload_leaves_the_list_alone),
		cmocka_unit_test(a_port_that_is_taken_ends_the_start_and_all_that_was_up),
		cmocka_unit_test(a_port_that_is_taken_refuses_the_reload_before_anything_moves),
		cmocka_unit_test(realm_cannot_change),
		cmocka_unit_test(all_are_told_once_and_after_the_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
