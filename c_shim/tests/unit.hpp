// SPDX-License-Identifier: Apache-2.0
//
// What the tests of single modules share. A program holds several TESTs and runs the one that it is told; a failed check ends
// it with status 1 and says where.
#pragma once

#include "clock.hpp"
#include "error.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <sys/types.h>

namespace unit {

struct Test {
    Test(const char* name, void (*run)());
};

#define TEST(name)                                                                                                     \
    static void test_##name();                                                                                         \
    static const unit::Test g_test_##name(#name, test_##name);                                                         \
    static void test_##name()

#define CHECK(condition) ((condition) ? (void)0 : unit::failed(__FILE__, __LINE__, #condition))

/** The status of a call must be `expected`; tells the text of the error when it is not. */
#define EXPECT(expected, call) unit::expect((expected), (call), #call, __FILE__, __LINE__)

/** Polls until the condition holds; fails after 20 s. */
#define EVENTUALLY(condition) unit::eventually([&]() -> bool { return (condition); }, #condition, __FILE__, __LINE__)

[[noreturn]] void failed(const char* file, int line, const char* what);
void expect(int32_t expected, int32_t status, const char* call, const char* file, int line);
void eventually(const std::function<bool()>& holds, const char* what, const char* file, int line);

/** The text of this thread's last error. */
std::string error_text();
double error_value();
double error_limit();

/** Runs `body` in a child, which ends with status 0 when it returns. A child does not outlive the test. */
pid_t in_child(const std::function<void()>& body);

/** Waits for the end of a child: its exit status, or minus the signal that ended it. */
int end_of(pid_t child);

/** Waits for it and fails unless it ended with status 0. */
void succeeds(pid_t child);

} // namespace unit
