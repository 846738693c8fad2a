// SPDX-License-Identifier: Apache-2.0
//! The node of a peer, and the service of a stream.
use crate::block::ZeroCopyMarketBlock;
use crate::options::Options;
use iceoryx2::config::Config;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use iceoryx2::service::port_factory::publisher::PortFactoryPublisher;
use std::fmt::Debug;

pub const OPTIONS: [&str; 6] = ["service", "stream", "root", "prefix", "history", "buffer"];
const BUFFER_SIZE: u64 = 256;
const PUBLISHERS_MAX: usize = 16;
const SUBSCRIBERS_MAX: usize = 64;
const NODES_MAX: usize = 128;

pub type Blocks = PortFactory<ipc::Service, ZeroCopyMarketBlock, ()>;

/// The node of this process.
pub fn make_node(options: &Options) -> Node<ipc::Service> {
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    if options.has("root") {
        let root = options.text("root", "");
        config
            .global
            .set_root_path(&must(options, "use the root", Path::new(root.as_bytes())));
    }
    if options.has("prefix") {
        let prefix = options.text("prefix", "");
        config.global.prefix = must(options, "use the prefix", FileName::new(prefix.as_bytes()));
    }
    let builder = NodeBuilder::new()
        .config(&config)
        .signal_handling_mode(SignalHandlingMode::Disabled);
    must(options, "make a node", builder.create::<ipc::Service>())
}

/// Opens the service of the stream that the options name, or makes it.
pub fn open(options: &Options) -> (Node<ipc::Service>, Blocks) {
    let node = make_node(options);
    let service = options.text("service", "QAULTRA");
    let stream = options.text("stream", "market_stream");
    let blocks = open_stream(options, &node, service, stream);
    (node, blocks)
}

/// Opens the service of a stream, or makes it.
pub fn open_stream(
    options: &Options,
    node: &Node<ipc::Service>,
    service: &str,
    stream: &str,
) -> Blocks {
    let name = format!("{service}/{stream}");
    let name = must(options, "use the name", name.as_str().try_into());
    let service = || {
        node.service_builder(&name)
            .publish_subscribe::<ZeroCopyMarketBlock>()
    };
    // Without demands first: who made the service has decided how many ports, buffered blocks and how much history it has.
    match service().open() {
        Ok(blocks) => blocks,
        Err(_) => must(
            options,
            "open or make the service",
            service()
                .enable_safe_overflow(true)
                .max_publishers(PUBLISHERS_MAX)
                .max_subscribers(SUBSCRIBERS_MAX)
                .max_nodes(NODES_MAX)
                .history_size(options.number("history", 16) as usize)
                .subscriber_max_buffer_size(options.number("buffer", BUFFER_SIZE) as usize)
                .subscriber_max_borrowed_samples(BUFFER_SIZE as usize)
                .open_or_create(),
        ),
    }
}

/// Has a publisher drop what a full buffer has no room for. Each version says so in words of its own.
pub fn discarding(
    builder: PortFactoryPublisher<ipc::Service, ZeroCopyMarketBlock, ()>,
) -> PortFactoryPublisher<ipc::Service, ZeroCopyMarketBlock, ()> {
    #[cfg(feature = "v0_10")]
    return builder.backpressure_strategy(BackpressureStrategy::DiscardData);
    #[cfg(not(feature = "v0_10"))]
    return builder.unable_to_deliver_strategy(UnableToDeliverStrategy::DiscardSample);
}

/// The value, or the end of the program.
pub fn must<Value, Error: Debug>(
    options: &Options,
    what: &str,
    result: Result<Value, Error>,
) -> Value {
    result.unwrap_or_else(|error| options.fail(&format!("Cannot {what}: {error:?}")))
}
