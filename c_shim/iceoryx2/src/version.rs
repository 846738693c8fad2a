// SPDX-License-Identifier: Apache-2.0
//
// What differs between the versions of iceoryx2 that this crate can be built for.

use iceoryx2::node::Node;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::sample::Sample;
use iceoryx2::service::ipc;

#[cfg(feature = "v0_10")]
#[path = "version/v0_10.rs"]
mod chosen;
#[cfg(not(feature = "v0_10"))]
#[path = "version/v0_7.rs"]
mod chosen;

pub use chosen::*;

pub type NodeOf = Node<ipc::Service>;
pub type PortOf = Subscriber<ipc::Service, [CustomPayloadMarker], CustomHeaderMarker>;
pub type SampleOf = Sample<ipc::Service, [CustomPayloadMarker], CustomHeaderMarker>;
