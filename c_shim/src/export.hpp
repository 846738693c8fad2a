// SPDX-License-Identifier: Apache-2.0
//
// What every function of the C ABI is defined with: exported from a library whose symbols are hidden, and closed to exceptions.
#pragma once

#include "error.hpp"

#include <exception>

#define QIPC_EXPORT extern "C" __attribute__((visibility("default")))

namespace qipc {

/** Runs the body of an exported function; whatever is thrown inside becomes QIPC_E_INTERNAL. */
template <typename Body>
inline int32_t shielded(Body&& body) noexcept {
    try {
        return body();
    } catch (const std::exception& error) {
        return fail(QIPC_E_INTERNAL, 0, 0, "An exception inside the library: %s", error.what());
    } catch (...) {
        return fail(QIPC_E_INTERNAL, 0, 0, "An unknown exception inside the library");
    }
}

} // namespace qipc
