// SPDX-License-Identifier: Apache-2.0
//! The command line of the examples, and the services of a stream.
use iceoryx2::config::Config;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::process::exit;

pub type Result<Value> = std::result::Result<Value, Box<dyn Error>>;
pub type Service<Payload> = PortFactory<ipc::Service, Payload, ()>;

/// What a service gets that is made here: as much as the module gives one. Whoever makes it decides for all who come later.
const PUBLISHERS_MAX: usize = 16;
const SUBSCRIBERS_MAX: usize = 64;
const NODES_MAX: usize = 128;
const HISTORY: usize = 16;
const BUFFER_SIZE: usize = 256;

/// `--key value` pairs. `--help`, and a key that is not known, print the usage and end the program.
pub struct Options(BTreeMap<&'static str, String>);

impl Options {
    pub fn from_args(own: &[(&'static str, &str)]) -> Options {
        let known = [
            &[
                ("--service", "QAULTRA"),
                ("--stream", "market_stream"),
                ("--root", ""),
                ("--prefix", ""),
            ],
            own,
        ]
        .concat();
        let mut values: BTreeMap<_, _> = known
            .iter()
            .map(|&(key, value)| (key, value.to_string()))
            .collect();
        let mut args = std::env::args().skip(1);
        while let Some(key) = args.next() {
            match (values.get_mut(key.as_str()), args.next()) {
                (Some(value), Some(given)) => *value = given,
                _ => {
                    let usage: Vec<_> = known
                        .iter()
                        .map(|(key, value)| format!("[{key} {value}]"))
                        .collect();
                    println!("options: {}", usage.join(" "));
                    exit(if key == "--help" { 0 } else { 2 });
                }
            }
        }
        Options(values)
    }

    pub fn text(&self, key: &str) -> &str {
        &self.0[key]
    }

    pub fn number(&self, key: &str) -> Result<u64> {
        Ok(self.text(key).parse()?)
    }

    /// A node of iceoryx2, where the other processes are: `root` and `prefix` of `Runtime.open`.
    pub fn node(&self) -> Result<Node<ipc::Service>> {
        set_log_level(LogLevel::Error);
        let mut config = Config::default();
        if !self.text("--root").is_empty() {
            config
                .global
                .set_root_path(&Path::new(self.text("--root").as_bytes())?);
        }
        if !self.text("--prefix").is_empty() {
            config.global.prefix = FileName::new(self.text("--prefix").as_bytes())?;
        }
        Ok(NodeBuilder::new().config(&config).create()?)
    }

    /// The service of the stream's queue lane, `<service>/<stream>`, or with `"/Ring"` that of its rings' announcements.
    pub fn open<Payload: Debug + ZeroCopySend>(
        &self,
        node: &Node<ipc::Service>,
        ending: &str,
    ) -> Result<Service<Payload>> {
        let name = format!(
            "{}/{}{ending}",
            self.text("--service"),
            self.text("--stream")
        );
        let name: ServiceName = name.as_str().try_into()?;
        let builder = || node.service_builder(&name).publish_subscribe::<Payload>();
        // Without demands first: who asks for more than the service has is refused.
        match builder().open() {
            Ok(service) => Ok(service),
            Err(_) => Ok(builder()
                .max_publishers(PUBLISHERS_MAX)
                .max_subscribers(SUBSCRIBERS_MAX)
                .max_nodes(NODES_MAX)
                .history_size(HISTORY)
                .subscriber_max_buffer_size(BUFFER_SIZE)
                .subscriber_max_borrowed_samples(BUFFER_SIZE)
                .enable_safe_overflow(true)
                .open_or_create()?),
        }
    }
}
