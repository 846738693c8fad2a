/* SPDX-License-Identifier: Apache-2.0
 *
 * Every argument that is checked before anything is touched.
 */
#include "test.h"

#define BYTES(text) (const uint8_t*)(text), (uint32_t)(sizeof(text) - 1)

CASE(abi_version) {
    CHECK(qipc_abi_version() == QIPC_ABI_VERSION);
}

CASE(status_strings) {
    CHECK(strcmp(qipc_status_string(QIPC_OK), "QIPC_OK") == 0);
    CHECK(strcmp(qipc_status_string(QIPC_E_VERSION), "QIPC_E_VERSION") == 0);
    for (int32_t status = QIPC_E_VERSION; status <= QIPC_TIMED_OUT; ++status) {
        CHECK(strncmp(qipc_status_string(status), "QIPC_", 5) == 0);
        CHECK(strcmp(qipc_status_string(status), "QIPC_UNKNOWN") != 0);
    }
    CHECK(strcmp(qipc_status_string(5), "QIPC_UNKNOWN") == 0);
    CHECK(strcmp(qipc_status_string(-1000), "QIPC_UNKNOWN") == 0);
}

CASE(error_detail_arguments) {
    uint8_t text[8];
    CHECK(qipc_error_detail(NULL, text, sizeof text) == QIPC_E_NULL);
    CHECK(qipc_error_detail(RESULT, NULL, 1) == QIPC_E_NULL);
    CHECK(qipc_error_detail(RESULT + 4, text, sizeof text) == QIPC_E_MISALIGNED);
    CHECK(qipc_error_detail(RESULT, text, sizeof text) == 0);
    EXPECT(QIPC_E_BAD_HANDLE, qipc_publisher_publish(0, 0, 0));
    CHECK(qipc_error_detail(RESULT, text, sizeof text) == sizeof text);
    CHECK(memcmp(text, "Cannot u", 8) == 0);
}

CASE(error_detail_is_cut_between_characters) {
    const uint32_t runtime = open_runtime("");
    EXPECT(QIPC_E_OPTION, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 0, 64, 0, 0, RESULT));
    const char* option = "\xc3\xa9=1\n";
    EXPECT(QIPC_E_OPTION, qipc_runtime_open((const uint8_t*)option, (uint32_t)strlen(option), RESULT));
    const char* at = strstr(error_text(), "\xc3\xa9");
    CHECK(at != NULL);
    const uint32_t before = (uint32_t)(at - error_text());
    uint8_t text[64];
    CHECK(qipc_error_detail(RESULT, text, before + 1) == (int32_t)before);
}

CASE(error_detail_is_utf8_whatever_was_given) {
    const uint8_t group[2] = {0xaf, 'x'};
    EXPECT(QIPC_E_OPTION, qipc_group_id(group, sizeof group, RESULT));
    CHECK(strstr(error_text(), "\"?x\"") != NULL);
    /* A value that is shown in part: 63 bytes, and the first one of a character. */
    char option[80] = "name=";
    memset(option + 5, 'n', 63);
    strcpy(option + 5 + 63, "\xc3\xa9\n");
    EXPECT(QIPC_E_NAME_INVALID, qipc_runtime_open((const uint8_t*)option, (uint32_t)strlen(option), RESULT));
    memcpy(option, "daem", 4);
    EXPECT(QIPC_E_OPTION, qipc_runtime_open((const uint8_t*)option, (uint32_t)strlen(option), RESULT));
    CHECK(strchr(error_text(), '\xc3') == NULL && strstr(error_text(), "n?:") != NULL);
}

CASE(result_buffers) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    uint8_t* const bad[2] = {NULL, RESULT + 4};
    for (int i = 0; i < 2; ++i) {
        const int32_t status = i == 0 ? QIPC_E_NULL : QIPC_E_MISALIGNED;
        EXPECT(status, qipc_runtime_open(BYTES(""), bad[i]));
        EXPECT(status, qipc_runtime_state(runtime, bad[i]));
        EXPECT(status, qipc_runtime_streams(runtime, NULL, 0, bad[i]));
        EXPECT(status, qipc_runtime_bind_numa(runtime, bad[i]));
        EXPECT(status, qipc_window_map(runtime, 1, bad[i]));
        EXPECT(status, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 64, 8, 0, 0, bad[i]));
        EXPECT(status, qipc_publisher_loan(publisher, bad[i]));
        EXPECT(status, qipc_publisher_info(publisher, bad[i]));
        EXPECT(status, qipc_subscriber_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 64, 8, 1, 0, 0, bad[i]));
        EXPECT(status, qipc_subscriber_take(subscriber, 1, bad[i]));
        EXPECT(status, qipc_waiter_open(runtime, bad[i]));
        EXPECT(status, qipc_thread_affinity(bad[i]));
    }
    EXPECT(QIPC_E_NULL, qipc_runtime_streams(runtime, NULL, 8, RESULT));
    EXPECT(QIPC_E_NULL, qipc_subscriber_wait_any(NULL, 1, 0));
}

CASE(runtime_options) {
    static const struct {
        const char* text;
        int32_t status;
    } wrong[] = {
        {"speed=1\n", QIPC_E_OPTION},          {"name\n", QIPC_E_OPTION},
        {"=x\n", QIPC_E_OPTION},               {"daemon=maybe\n", QIPC_E_OPTION},
        {"daemon=require", QIPC_E_OPTION},     {"daemon_keep=2\n", QIPC_E_OPTION},
        {"pool_bytes=0\n", QIPC_E_OPTION},     {"pool_bytes=1e6\n", QIPC_E_OPTION},
        {"pool_bytes=99999999999999999999\n", QIPC_E_OPTION},
        {"pool_bytes=-1\n", QIPC_E_OPTION},    {"timeout_ms=0\n", QIPC_E_OPTION},
        {"timeout_ms=60001\n", QIPC_E_OPTION}, {"log=loud\n", QIPC_E_OPTION},
        {"log=off\nlog=off\n", QIPC_E_OPTION}, {"access_readers=a\"b\n", QIPC_E_OPTION},
        {"access_writers=\n", QIPC_E_OPTION},  {"\xff=1\n", QIPC_E_OPTION},
        {"name=\n", QIPC_E_NAME_EMPTY},        {"name=a/b\n", QIPC_E_NAME_INVALID},
        {"name=a\tb\n", QIPC_E_NAME_INVALID}, {"name=a,b\n", QIPC_E_NAME_INVALID},
        {"name=a b\n", QIPC_E_NAME_INVALID},  {"name=a.\n", QIPC_E_NAME_INVALID},
        {"name=\xc3\xa9\n", QIPC_E_NAME_INVALID},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        EXPECT(wrong[i].status, qipc_runtime_open((const uint8_t*)wrong[i].text, (uint32_t)strlen(wrong[i].text), RESULT));
    }
    EXPECT(QIPC_E_NULL, qipc_runtime_open(NULL, 1, RESULT));
    EXPECT(QIPC_E_NAME_INVALID, qipc_runtime_open(BYTES("name=a\0b\n"), RESULT));
    static char longest[8192];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "name=", 5);
    longest[5 + 101] = '\n';
    EXPECT(QIPC_E_NAME_TOO_LONG, qipc_runtime_open((const uint8_t*)longest, 5 + 102, RESULT));
    EXPECT_DETAIL(101, QIPC_NAME_BYTES_MAX);
    EXPECT(QIPC_E_OPTION, qipc_runtime_open((const uint8_t*)longest, sizeof longest, RESULT));
    longest[5 + 100] = '\n';
    EXPECT_OK(qipc_runtime_open((const uint8_t*)longest, 5 + 101, RESULT));
    CHECK(WORD(1) == 100 && RESULT[16] == 'a' && RESULT[115] == 'a' && RESULT[116] == 0);
    CHECK(WORD(2) == 0);
}

CASE(port_names) {
    const uint32_t runtime = open_runtime("");
    static const struct {
        const char* bytes;
        uint32_t length;
        int32_t status;
    } wrong[] = {
        {"", 0, QIPC_E_NAME_EMPTY},
        {NULL, 0, QIPC_E_NAME_EMPTY},
        {NULL, 1, QIPC_E_NULL},
        {"a\0b", 3, QIPC_E_NAME_INVALID},
        {"a\nb", 3, QIPC_E_NAME_INVALID},
        {"a,b", 3, QIPC_E_NAME_INVALID},              /* separates the parts of the stack's messages */
        {"a\x7f", 2, QIPC_E_NAME_INVALID},
        {"\xc2\x85", 2, QIPC_E_NAME_INVALID},         /* a C1 control character */
        {"\xff", 1, QIPC_E_NAME_INVALID},
        {"\xc3", 1, QIPC_E_NAME_INVALID},             /* cut */
        {"\xc0\xaf", 2, QIPC_E_NAME_INVALID},         /* overlong */
        {"\xe0\x80\xaf", 3, QIPC_E_NAME_INVALID},     /* overlong */
        {"\xed\xa0\x80", 3, QIPC_E_NAME_INVALID},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4, QIPC_E_NAME_INVALID}, /* beyond U+10FFFF */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        const uint8_t* bytes = (const uint8_t*)wrong[i].bytes;
        const uint32_t length = wrong[i].length;
        const int32_t status = wrong[i].status;
        EXPECT(status, qipc_publisher_open(runtime, bytes, length, BYTES("t"), BYTES("e"), 64, 8, 0, 0, RESULT));
        EXPECT(status, qipc_publisher_open(runtime, BYTES("s"), bytes, length, BYTES("e"), 64, 8, 0, 0, RESULT));
        EXPECT(status, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), bytes, length, 64, 8, 0, 0, RESULT));
        EXPECT(status, qipc_subscriber_open(runtime, bytes, length, BYTES("t"), BYTES("e"), 64, 8, 1, 0, 0, RESULT));
        EXPECT(status, qipc_subscriber_open(runtime, BYTES("s"), bytes, length, BYTES("e"), 64, 8, 1, 0, 0, RESULT));
        EXPECT(status, qipc_subscriber_open(runtime, BYTES("s"), BYTES("t"), bytes, length, 64, 8, 1, 0, 0, RESULT));
    }
    uint8_t name[101];
    memset(name, 'n', sizeof name);
    EXPECT(QIPC_E_NAME_TOO_LONG, qipc_publisher_open(runtime, name, 101, BYTES("t"), BYTES("e"), 64, 8, 0, 0, RESULT));
    EXPECT_DETAIL(101, QIPC_NAME_BYTES_MAX);
    EXPECT(QIPC_E_NAME_TOO_LONG,
           qipc_subscriber_open(runtime, BYTES("s"), name, UINT32_MAX, BYTES("e"), 64, 8, 1, 0, 0, RESULT));
    EXPECT_OK(qipc_publisher_open(runtime, name, 100, name, 100, name, 100, 64, 8, 0, 0, RESULT));
    EXPECT_OK(qipc_subscriber_open(runtime, name, 100, name, 100, name, 100, 64, 8, 1, 0, 0, RESULT));
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("s/\xc3\xa9"), BYTES("\xf0\x9f\x93\x88"), BYTES("e"), 64, 8, 0, 0, RESULT));
}

CASE(names_that_differ_in_the_last_byte_are_two_streams) {
    const uint32_t runtime = open_runtime("");
    uint8_t one[100];
    uint8_t other[100];
    memset(one, 'n', sizeof one);
    memset(other, 'n', sizeof other);
    other[99] = 'm';
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("s"), one, 100, BYTES("e"), 64, 8, 0, 0, RESULT));
    const uint32_t publisher = WORD(0);
    EXPECT_OK(qipc_subscriber_open(runtime, BYTES("s"), other, 100, BYTES("e"), 64, 8, 1, 0, 0, RESULT));
    EXPECT_OK(qipc_publisher_info(publisher, RESULT));
    CHECK(WORD(0) == 0);
}

CASE(internal_service_is_refused) {
    const uint32_t runtime = open_runtime("");
    EXPECT(QIPC_E_NAME_INVALID, qipc_publisher_open(runtime, BYTES("Introspection"), BYTES("RouDi_ID"), BYTES("MemPool"), 64,
                                                    8, 0, 0, RESULT));
    open_publisher(runtime, "s");
}

CASE(port_numbers) {
    const uint32_t runtime = open_runtime("");
    EXPECT(QIPC_E_OPTION, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 0, 8, 0, 0, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 65537, 8, 0, 0, RESULT));
    EXPECT_DETAIL(65537, 65536);
    EXPECT(QIPC_E_OPTION, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 64, 0, 0, 0, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 64, 24, 0, 0, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 64, 128, 0, 0, RESULT));
    EXPECT(QIPC_E_HISTORY, try_publisher(runtime, "t", 17, 0));
    EXPECT_DETAIL(17, 16);
    EXPECT(QIPC_E_OPTION, try_publisher(runtime, "t", 0, 2));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 0, 8, 1, 0, 0, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 64, 3, 1, 0, 0, RESULT));
    EXPECT(QIPC_E_CAPACITY, try_subscriber(runtime, "t", 0, 0, 0));
    EXPECT(QIPC_E_CAPACITY, try_subscriber(runtime, "t", 257, 0, 0));
    EXPECT_DETAIL(257, 256);
    EXPECT(QIPC_E_HISTORY, try_subscriber(runtime, "t", 1, 17, 0));
    EXPECT(QIPC_E_OPTION, try_subscriber(runtime, "t", 1, 0, 2));
    EXPECT_OK(try_publisher(runtime, "t", 16, QIPC_PUBLISHER_BLOCKING));
    EXPECT_OK(try_subscriber(runtime, "t", 256, 16, QIPC_SUBSCRIBER_BLOCKING));
    CHECK(WORD(1) == 256);
}

CASE(data_call_numbers) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT(QIPC_E_OPTION, qipc_subscriber_take(subscriber, 0, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_take(subscriber, QIPC_TAKE_MAX + 1, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_wait(subscriber, -1));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_wait(subscriber, 0.0 / 0.0));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_wait(subscriber, 2147483648.0));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_wait_any((const uint8_t*)&subscriber, 0, 0));
    EXPECT(QIPC_E_OPTION, qipc_subscriber_wait_any((const uint8_t*)&subscriber, 65, 0));
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_publisher_publish(publisher, 0, 8));
    EXPECT_OK(qipc_publisher_publish(publisher, 0, QIPC_PUBLISH_STAMP));
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("s"), BYTES("small"), BYTES("e"), 15, 8, 0, 0, RESULT));
    const uint32_t small = WORD(0);
    EXPECT_OK(qipc_publisher_loan(small, RESULT));
    EXPECT(QIPC_E_OPTION, qipc_publisher_publish(small, 0, QIPC_PUBLISH_STAMP));
    EXPECT_OK(qipc_publisher_publish(small, 0, 0));
}
