// SPDX-License-Identifier: Apache-2.0
// Rust and Python processes over iceoryx2 0.10.0's own APIs.
import { testPeers } from "./peers_iox2/exchange.ts";

testPeers("0.10.0");
