/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A loop whose time stands still until the script moves it. It takes the place of sdk/io/loop.c at link time; the
 * descriptors are real, and nothing ever blocks.
 */
#ifndef TESTS_SCENARIOS_FAKE_LOOP_H
#define TESTS_SCENARIOS_FAKE_LOOP_H

#include <fedway/io/loop.h>

/** Runs turns until nothing is ready and no task is queued. */
void fake_loop_settle(struct fw_loop *loop);
/** Moves time on, timer by timer, settling between them. */
void fake_loop_advance(struct fw_loop *loop, uint64_t ms);

#endif
