// SPDX-License-Identifier: Apache-2.0
//! A histogram of nanoseconds: exact below 256, then 256 steps for each power of two (0.4 %), as in `bench/floor/floor.h`. Adding
//! allocates nothing.
const STEPS: usize = 256;
const BUCKETS: usize = STEPS * 40;
const PARTS: [(&str, f64); 11] = [
    ("p10", 0.1),
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p995", 0.995),
    ("p999", 0.999),
    ("p9995", 0.9995),
    ("p9999", 0.9999),
];

pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            buckets: vec![0; BUCKETS],
            count: 0,
            max: 0,
        }
    }
}

impl Histogram {
    pub fn add(&mut self, value: u64) {
        self.buckets[bucket_of(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// The count and the percentiles, each multiplied by `factor`, as members of a JSON object.
    pub fn json(&self, factor: f64) -> String {
        let parts = PARTS.map(|(name, part)| format!("\"{name}\":{:.1},", self.at(part) * factor));
        let max = self.max as f64 * factor;
        format!(
            "\"count\":{},{}\"max\":{max:.1}",
            self.count,
            parts.concat()
        )
    }

    /// The lower edge of the bucket in which the given part of all samples is reached.
    fn at(&self, part: f64) -> f64 {
        let wanted = part * self.count as f64;
        let mut seen = 0;
        let reached = |count: &u64| {
            seen += count;
            seen as f64 >= wanted
        };
        self.buckets
            .iter()
            .position(reached)
            .map_or(self.max as f64, |bucket| lower_edge(bucket) as f64)
    }
}

fn bucket_of(value: u64) -> usize {
    if value < STEPS as u64 {
        return value as usize;
    }
    let power = value.ilog2() as usize; // 8 or more
    let index = (power - 7) * STEPS + (value >> (power - 8)) as usize - STEPS;
    index.min(BUCKETS - 1)
}

fn lower_edge(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    ((bucket % STEPS + STEPS) as u64) << (bucket / STEPS - 1)
}
