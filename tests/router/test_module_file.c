/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Module files and the list of them, with real shared objects: each way to be refused names the
 * true reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "router/module_file.h"
#include "router/module_list.h"

static char junk_folder[] = "/tmp/fedway-modules-XXXXXX";
static char folders[512];

static const struct {
	const char *sentence, *name;
	int result;
	const char *text;
} file_rows[] = {
	{ "a good one", "good", FW_OK, "" },
	{ "a dash in the name", "good-dash", FW_OK, "" },
	{ "no file", "absent", FW_ENOENT, "there is no module absent.so in /" },
	{ "a path is no name", "../good", FW_EINVAL, "\"../good\" is not the name of a module" },
	{ "a suffix is no name", "good.so", FW_EINVAL, "is not the name of a module" },
	{ "no name", "", FW_EINVAL, "\"\" is not the name of a module" },
	{ "a file that is no shared object", "junk", FW_ESYS, "junk.so: file too short" },
	{ "a text file", "text", FW_ESYS, "text.so: invalid ELF header" },
	{ "a symbol that nobody has", "undefined", FW_ESYS,
	  "undefined symbol: function_that_nobody_has" },
	{ "a shared object that is no module", "no_descriptor", FW_ENOENT,
	  "has no no_descriptor_LTX_fw_component: it is no Fedway module" },
	{ "a module whose file was renamed", "renamed", FW_ENOENT,
	  "has no renamed_LTX_fw_component" },
	{ "the next major ABI", "wrong_abi", FW_EABI, "was built for SDK ABI 2.0" },
	{ "the next minor ABI", "newer_minor", FW_EABI, "newer SDK ABI 1.1" },
	{ "a descriptor that ends too early", "smaller_size", FW_EABI, "has a descriptor of" },
	{ "a strict module of another release", "wrong_build", FW_EABI, "fedway-0.0.1" },
	{ "another name inside", "wrong_name", FW_EINVAL, "calls itself \"right_name\"" },
};

static void rows_of_the_loader(void **state)
{
	(void)state;
	const struct config_router config = { .module_path = folders };

	for (size_t i = 0; i < FW_COUNT(file_rows); i++) {
		struct module_list *list = NULL;
		const struct fw_component *descriptor = NULL;
		struct fw_error err = { 0 };

		print_message("%s\n", file_rows[i].sentence);
		assert_int_equal(module_list_new(&list), FW_OK);
		int ret = module_list_find(list, &config, file_rows[i].name, &descriptor, &err);
		print_message("  %s\n", err.text);
		assert_int_equal(ret, file_rows[i].result);
		assert_non_null(strstr(err.text, file_rows[i].text));
		if (ret == FW_OK) {
			assert_string_equal(descriptor->name, file_rows[i].name);
		} else {
			assert_null(descriptor);
		}
		module_list_free(&list);
		assert_null(list);
	}
}

static void a_module_is_loaded_once(void **state)
{
	(void)state;
	const struct config_router config = { .module_path = folders };
	const struct fw_component *first = NULL, *second = NULL, *found = NULL;
	struct module_list *list = NULL;
	const char *path = NULL;

	assert_int_equal(module_list_new(&list), FW_OK);
	assert_int_equal(module_list_find(list, &config, "good", &first, NULL), FW_OK);
	assert_int_equal(module_list_find(list, &config, "good", &second, NULL), FW_OK);
	assert_ptr_equal(first, second);
	assert_int_equal(module_list_find(list, &config, "good-dash", &second, NULL), FW_OK);
	assert_true(module_list_at(list, 0, &found, &path));
	assert_ptr_equal(found, first);
	assert_non_null(strstr(path, "/good.so"));
	assert_true(module_list_at(list, 1, &found, &path));
	assert_ptr_equal(found, second);
	assert_false(module_list_at(list, 2, &found, &path));
	module_list_free(&list);
}

static void the_first_folder_that_has_it_wins(void **state)
{
	(void)state;
	struct module_file *file = NULL;
	const void *symbol = NULL;
	char path[600];

	(void)snprintf(path, sizeof(path), "/nowhere::%s", folders);
	assert_int_equal(module_file_open(path, "good", &file, &symbol, NULL), FW_OK);
	assert_non_null(symbol);
	(void)snprintf(path, sizeof(path), "%s/good.so", MODULES);
	assert_string_equal(module_file_path(file), path);
	module_file_close(&file);
	assert_null(file);
	module_file_close(&file);
}

static void modules_can_be_kept_in_memory(void **state)
{
	(void)state;
	struct module_file *file = NULL;
	const void *symbol = NULL;

	setenv("FEDWAY_KEEP_MODULES", "1", 1);
	assert_int_equal(module_file_open(folders, "good", &file, &symbol, NULL), FW_OK);
	const struct fw_component *descriptor = symbol;
	module_file_close(&file);
	assert_string_equal(descriptor->name, "good");
	unsetenv("FEDWAY_KEEP_MODULES");
}

static void write_file(const char *name, const char *text)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/%s", junk_folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_junk(void **state)
{
	char target[600], path[600];

	(void)state;
	assert_non_null(mkdtemp(junk_folder));
	write_file("junk.so", "");
	char text[2048];
	memset(text, 0x20, sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	write_file("text.so", text);
	(void)snprintf(target, sizeof(target), "%s/good.so", MODULES);
	(void)snprintf(path, sizeof(path), "%s/renamed.so", junk_folder);
	assert_int_equal(symlink(target, path), 0);
	(void)snprintf(folders, sizeof(folders), "%s:%s", MODULES, junk_folder);
	return 0;
}

static int remove_junk(void **state)
{
	static const char *const names[] = { "junk.so", "text.so", "renamed.so" };
	char path[600];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", junk_folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(junk_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_the_loader),
		cmocka_unit_test(a_module_is_loaded_once),
		cmocka_unit_test(the_first_folder_that_has_it_wins),
		cmocka_unit_test(modules_can_be_kept_in_memory),
	};
	return cmocka_run_group_tests(tests, make_junk, remove_junk);
}
