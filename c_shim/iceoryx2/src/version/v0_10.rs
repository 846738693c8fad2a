// SPDX-License-Identifier: Apache-2.0

use super::{NodeOf, PortOf, SampleOf};
use iceoryx2::port::ReceiveError;
use iceoryx2::prelude::BackpressureStrategy;
use iceoryx2::service::builder::publish_subscribe::PublishSubscribeOpenError;
use iceoryx2::service::dynamic_config::DynamicConfig;
pub use iceoryx2::service::marker::{CustomHeaderMarker, CustomPayloadMarker};
use iceoryx2::service::port_factory::publisher::PortFactoryPublisher;
pub use iceoryx2::service::static_config::message_type_details::TypeName;
use iceoryx2::service::{ipc, Service};
use iceoryx2::unique_id_generator::unique_system_id::UniqueSystemId;
pub use log_0_10::{set_logger, Log, LogLevel};

pub type DynamicStorage = <ipc::Service as Service>::DynamicStorage<DynamicConfig<<ipc::Service as Service>::Bag>>;
type Publishers<'a> = PortFactoryPublisher<'a, ipc::Service, [CustomPayloadMarker], CustomHeaderMarker>;

pub fn discarding(builder: Publishers) -> Publishers {
    builder.backpressure_strategy(BackpressureStrategy::DiscardData)
}

/// # Safety
/// The service has a payload of fixed size.
pub unsafe fn receive(port: &PortOf) -> Result<Option<SampleOf>, ReceiveError> {
    port.receive()
}

/// The process of the node with this number.
pub fn process_of(node: u128) -> u32 {
    UniqueSystemId::from(node).pid().value() as u32
}

pub fn clean(node: &NodeOf) -> u32 {
    node.try_cleanup_dead_nodes().cleanups as u32
}

/// Whether the service belongs to another version.
pub fn is_of_another_version(error: PublishSubscribeOpenError) -> bool {
    error == PublishSubscribeOpenError::VersionMismatch
}
