// SPDX-License-Identifier: Apache-2.0
//
// The services that there are.

use crate::failure::{shielded, Failure, FailureOut};
use crate::node::{ProcessNode, Stack};
use crate::status;
use iceoryx2::prelude::CallbackProgression;
use iceoryx2::prelude::PortFactory as _;
use iceoryx2::service::builder::{CustomHeaderMarker, CustomPayloadMarker};
use iceoryx2::service::static_config::messaging_pattern::MessagingPattern;
use iceoryx2::service::static_config::StaticConfig;
use iceoryx2::service::Service;
use std::ffi::c_void;

type Visit = unsafe extern "C" fn(context: *mut c_void, name: *const u8, name_bytes: usize, publishers: u32, subscribers: u32);

/// Publishers and subscribers of a service, of whatever type. None when it went meanwhile.
unsafe fn count(node: &ProcessNode, found: &StaticConfig) -> Option<(u32, u32)> {
    let types = found.publish_subscribe().message_type_details();
    let service = node
        .node
        .service_builder(found.name())
        .publish_subscribe::<[CustomPayloadMarker]>()
        .user_header::<CustomHeaderMarker>()
        .__internal_set_payload_type_details(&types.payload)
        .__internal_set_user_header_type_details(&types.user_header)
        .open()
        .ok()?;
    let ports = service.dynamic_config();
    Some((ports.number_of_publishers() as u32, ports.number_of_subscribers() as u32))
}

/// Visits every publish-subscribe service.
///
/// # Safety
/// `node` is one of `iox2_node_open`; `visit` takes `context`.
#[no_mangle]
pub unsafe extern "C" fn iox2_streams(
    node: *const ProcessNode,
    visit: Visit,
    context: *mut c_void,
    failure: *mut FailureOut,
) -> i32 {
    shielded(failure, || {
        let node = &*node;
        let mut services = Vec::new();
        Stack::list(&node.config, |service| {
            let found = service.static_details;
            if matches!(found.messaging_pattern(), MessagingPattern::PublishSubscribe(_)) {
                services.push(found);
            }
            CallbackProgression::Continue
        })
        .map_err(|error| {
            Failure::new(status::E_INTERNAL, format!("Cannot list the streams: iceoryx2 says {error:?}"))
        })?;
        for found in &services {
            if let Some((publishers, subscribers)) = count(node, found) {
                let name = found.name().as_str().as_bytes();
                visit(context, name.as_ptr(), name.len(), publishers, subscribers);
            }
        }
        Ok(status::OK)
    })
}
