// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace qipc {

/** The parts of a stream's name. */
struct StreamName {
    std::string service;
    std::string stream;
    std::string event;
};

} // namespace qipc
