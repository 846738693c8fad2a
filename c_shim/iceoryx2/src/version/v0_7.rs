// SPDX-License-Identifier: Apache-2.0

use super::{NodeOf, PortOf, SampleOf};
use iceoryx2::port::ReceiveError;
use iceoryx2::prelude::UnableToDeliverStrategy;
use iceoryx2::service::builder::publish_subscribe::PublishSubscribeOpenError;
pub use iceoryx2::service::builder::{CustomHeaderMarker, CustomPayloadMarker};
use iceoryx2::service::port_factory::publisher::PortFactoryPublisher;
pub use iceoryx2::service::static_config::message_type_details::TypeNameString as TypeName;
use iceoryx2::service::{ipc, Service};
pub use log_0_7::{set_logger, Log, LogLevel};

pub type DynamicStorage = <ipc::Service as Service>::DynamicStorage;
type Publishers<'a> = PortFactoryPublisher<'a, ipc::Service, [CustomPayloadMarker], CustomHeaderMarker>;

pub fn discarding(builder: Publishers) -> Publishers {
    builder.unable_to_deliver_strategy(UnableToDeliverStrategy::DiscardSample)
}

/// # Safety
/// The service has a payload of fixed size.
pub unsafe fn receive(port: &PortOf) -> Result<Option<SampleOf>, ReceiveError> {
    port.receive_custom_payload()
}

/// The process of the node with this number, which begins with that of the process.
pub fn process_of(node: u128) -> u32 {
    node as u32
}

pub fn clean(node: &NodeOf) -> u32 {
    NodeOf::cleanup_dead_nodes(node.config()).cleanups as u32
}

/// Whether the service belongs to another version: this one cannot tell.
pub fn is_of_another_version(_: PublishSubscribeOpenError) -> bool {
    false
}
