// SPDX-License-Identifier: Apache-2.0
//! `--key value` pairs and `--flag`s; an unknown one ends the program with status 2.
use std::collections::BTreeMap;

pub struct Options {
    program: String,
    values: BTreeMap<String, String>,
}

impl Options {
    pub fn from_args(keys: &[&str], flags: &[&str]) -> Options {
        let mut args = std::env::args();
        let mut options = Options {
            program: args.next().unwrap_or_default(),
            values: BTreeMap::new(),
        };
        while let Some(text) = args.next() {
            let key = text.strip_prefix("--").unwrap_or("").to_string();
            let value = if flags.contains(&key.as_str()) {
                Some(String::new())
            } else if keys.contains(&key.as_str()) {
                args.next()
            } else {
                None
            };
            match value {
                Some(value) => options.values.insert(key, value),
                None => options.fail(&format!("Unknown option, or one without its value: {text}")),
            };
        }
        options
    }

    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub fn text<'a>(&'a self, key: &str, otherwise: &'a str) -> &'a str {
        self.values.get(key).map_or(otherwise, String::as_str)
    }

    pub fn number(&self, key: &str, otherwise: u64) -> u64 {
        match self.values.get(key) {
            None => otherwise,
            Some(text) => text
                .parse()
                .unwrap_or_else(|_| self.fail(&format!("Not a number: --{key} {text}"))),
        }
    }

    pub fn fail(&self, message: &str) -> ! {
        eprintln!("{}: {message}", self.program);
        std::process::exit(2);
    }
}
