/* SPDX-License-Identifier: Apache-2.0
 *
 * libraries_test LIBRARY LIBRARY SYMBOL...: both libraries offer each symbol, name every status alike, and run side by side in one
 * process.
 */
#include "qaultra_ipc/qipc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

#define STATUSES 100

static void* load(const char* path) {
    void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return library;
}

static void* find(void* library, const char* name) {
    void* const symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "there is no %s\n", name);
        exit(1);
    }
    return symbol;
}

int main(int count, char** arguments) {
    CHECK(count > 3);
    void* const libraries[2] = {load(arguments[1]), load(arguments[2])};
    for (int i = 3; i < count; ++i) {
        CHECK(find(libraries[0], arguments[i]) != find(libraries[1], arguments[i]));
    }
    const char* (*names[2])(int32_t);
    uint32_t (*versions[2])(void);
    for (int i = 0; i < 2; ++i) {
        *(void**)&names[i] = find(libraries[i], "qipc_status_string");
        *(void**)&versions[i] = find(libraries[i], "qipc_abi_version");
        CHECK(versions[i]() == QIPC_ABI_VERSION);
    }
    int known = 0;
    for (int32_t status = -STATUSES; status <= STATUSES; ++status) {
        CHECK(strcmp(names[0](status), names[1](status)) == 0);
        known += strcmp(names[0](status), "QIPC_UNKNOWN") != 0;
    }
    CHECK(known == 5 - QIPC_E_SERVICE_DAMAGED);
    return 0;
}
