// SPDX-License-Identifier: Apache-2.0
// Rust and Python processes over iceoryx2 0.7.0's own APIs, and the library over it beside processes of another version.
import { testPeers } from "./peers_iox2/exchange.ts";
import { testVersions } from "./peers_iox2/versions.ts";

testPeers("0.7.0");
testVersions("0.7.0", "0.10.0");
