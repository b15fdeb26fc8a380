/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target without a fuzzer: every file of its corpus once, so that `make check` with any
 * compiler keeps what was found. Arguments are folders; without any it is tests/fuzz/corpus/<name>
 * for fuzz_<name>. A corpus without files is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A buffer of the very size, so that a sanitizer sees a step beyond it. */
static int replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(size > 0 ? size : 1);
	int ret = -1;

	if (file != NULL && data != NULL && fread(data, 1, size, file) == size) {
		fprintf(stderr, "%s\n", path); /* the last one named is the one that crashed */
		LLVMFuzzerTestOneInput(data, size);
		ret = 0;
	}
	free(data);
	if (file != NULL) {
		fclose(file);
	}
	return ret;
}

/* How many files were fed; -1 when one could not be read. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while (dir != NULL && count >= 0 && (entry = readdir(dir)) != NULL) {
		struct stat st;
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			count = replay_file(path, (size_t)st.st_size) == 0 ? count + 1 : -1;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return count;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
	const char *target = strstr(name, "fuzz_");
	const char *top = getenv("srcdir"); /* set by make check */
	char own[4096];
	char *own_list[] = { own };
	char **folders = argc > 1 ? argv + 1 : own_list;
	int failed = 0;

	snprintf(own, sizeof(own), "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".",
	         target != NULL ? target + strlen("fuzz_") : name);
	for (int i = 0; i < (argc > 1 ? argc - 1 : 1); i++) {
		int count = replay_folder(folders[i]);
		printf("%s: %d files from %s\n", name, count, folders[i]);
		failed |= count <= 0;
	}
	return failed;
}
