// SPDX-License-Identifier: Apache-2.0
import { defineRecord, type RecordSchema } from "../../mod.ts";

/**
 * The last block of each trial of `massive-processes`: the trial's number, or a negative one when there will be no more. Nothing
 * follows it until every reader has answered, so it cannot be lost.
 */
export const TrialEnd: RecordSchema<{ readonly trial: "f64" }> = defineRecord("BenchTrialEnd", { trial: "f64" });
