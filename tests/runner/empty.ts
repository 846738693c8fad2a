// SPDX-License-Identifier: Apache-2.0
// No test at all.
export {};
