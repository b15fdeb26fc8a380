/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The judge of descriptors: one row per refusal, with its sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/module_check.h"

static enum fw_verdict pass(struct fw_self *self, struct fw_stanza *stanza, struct fw_why *why)
{
	(void)self;
	(void)stanza;
	(void)why;
	return FW_PASS;
}

static const struct fw_option rows_of_options[] = { FW_OPT_END };
static const struct fw_hook good_hooks[] = { { FW_STAGE_POLICY, 1, pass }, FW_HOOK_END };
static const struct fw_hook no_function[] = { { FW_STAGE_POLICY, 1, NULL }, FW_HOOK_END };
static const struct fw_hook no_stage[] = { { (enum fw_stage)9, 1, pass }, FW_HOOK_END };

#define HEAD_OK .abi = FW_ABI, .size = sizeof(struct fw_component)

static const struct {
	const char *sentence;
	struct fw_component descriptor;
	int result;
	const char *text; /* part of what is said */
} check_rows[] = {
	{ "a good one", { HEAD_OK, .name = "toy" }, FW_OK, "" },
	{ "strict, from this release",
	  { HEAD_OK, .build = FW_BUILD_ID, .name = "toy" },
	  FW_OK,
	  "" },
	{ "larger: members we do not know are of a newer minor only",
	  { .abi = FW_ABI, .size = sizeof(struct fw_component) + 64, .name = "toy" },
	  FW_OK,
	  "" },
	{ "hooks", { HEAD_OK, .name = "toy", .hooks = good_hooks }, FW_OK, "" },
	{ "options with their size",
	  { HEAD_OK, .name = "toy", .options = rows_of_options, .config_size = 8 },
	  FW_OK,
	  "" },
	{ "older major",
	  { .abi = 0, .size = sizeof(struct fw_component), .name = "toy" },
	  FW_EABI,
	  "module toy.so was built for SDK ABI 0.0, this is 1.0: build it again" },
	{ "newer major",
	  { .abi = 2u << 16, .size = sizeof(struct fw_component), .name = "toy" },
	  FW_EABI,
	  "was built for SDK ABI 2.0" },
	{ "newer minor",
	  { .abi = FW_ABI + 3, .size = sizeof(struct fw_component), .name = "toy" },
	  FW_EABI,
	  "was built for the newer SDK ABI 1.3, this is 1.0: update fedwayd" },
	{ "too small",
	  { .abi = FW_ABI, .size = 16, .name = "toy" },
	  FW_EABI,
	  "has a descriptor of 16 bytes" },
	{ "strict, from another release",
	  { HEAD_OK, .build = "fedway-0.0.9", .name = "toy" },
	  FW_EABI,
	  "uses fedway/io/ and was built with fedway-0.0.9, this is " FW_BUILD_ID },
	{ "another name",
	  { HEAD_OK, .name = "boy" },
	  FW_EINVAL,
	  "calls itself \"boy\": its name must be that of its file, \"toy\"" },
	{ "no name", { HEAD_OK }, FW_EINVAL, "calls itself \"\"" },
	{ "options without size",
	  { HEAD_OK, .name = "toy", .options = rows_of_options },
	  FW_EINVAL,
	  "both options and config_size" },
	{ "size without options",
	  { HEAD_OK, .name = "toy", .config_size = 8 },
	  FW_EINVAL,
	  "both options and config_size" },
	{ "a hook without function",
	  { HEAD_OK, .name = "toy", .hooks = no_function },
	  FW_EINVAL,
	  "a hook without function" },
	{ "a hook for no stage",
	  { HEAD_OK, .name = "toy", .hooks = no_stage },
	  FW_EINVAL,
	  "a stage that does not exist" },
};

static void rows_of_the_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(check_rows); i++) {
		struct fw_component out = { .name = "untouched" };
		struct fw_error err = { 0 };
		/* A larger descriptor has memory behind it. */
		struct {
			struct fw_component descriptor;
			char more[64];
		} found = { check_rows[i].descriptor, "" };

		print_message("%s\n", check_rows[i].sentence);
		assert_int_equal(module_check(&found, "toy", "toy.so", &out, &err),
		                 check_rows[i].result);
		assert_non_null(strstr(err.text, check_rows[i].text));
		assert_string_equal(out.name, check_rows[i].result == FW_OK ? "toy" : "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_the_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
